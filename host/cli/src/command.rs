//! The command line: parses the arguments, and runs the command that they name.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::exit_code::ExitCode;
use crate::output::{eprint, eprint_line, print};
use crate::{get, serve, usage};

/// The examples at the end of `fetchlet --help`.
const EXAMPLES: &str = "\
Examples:
  fetchlet serve 5000 --root firmware           serve a folder to this machine
  fetchlet get localhost 5000 board/v2.bin      fetch a file from it
  source <(fetchlet completions bash)           complete its options";

/// Download files over TCP, to and from devices as small as a microcontroller.
#[derive(Debug, Parser)]
#[command(name = "fetchlet", version, about, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Get(Box<get::Args>),
    /// Print a completion script for a shell.
    Completions {
        /// The shell that will read it.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff: `fetchlet man | man -l -`.
    Man,
}

/// Parses the arguments, runs the command that they name, and returns its exit code.
pub(crate) fn run() -> ExitCode {
    match Cli::try_parse() {
        Err(answer) => answer_without_command(&answer),
        Ok(Cli { command }) => match command {
            Command::Serve(args) => serve::run(args),
            Command::Get(args) => get::run(&args),
            Command::Completions { shell } => completions(shell),
            Command::Man => man(),
        },
    }
}

/// Prints help and version as clap does, and an error of the command line in one line.
fn answer_without_command(answer: &clap::Error) -> ExitCode {
    let text = answer.to_string();
    if !answer.use_stderr() {
        return print(text.as_bytes());
    }
    if answer.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        eprint(&text);
        return ExitCode::Usage;
    }
    let mut program = Cli::command();
    program.build();
    eprint_line(format_args!("{}", usage::describe(answer, &program)));
    ExitCode::Usage
}

fn completions(shell: clap_complete::Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "fetchlet", &mut script);
    print(&script)
}

fn man() -> ExitCode {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    let pages_of = std::iter::once(&command).chain(command.get_subcommands());
    for command in pages_of.filter(|command| command.get_name() != "help") {
        if let Err(fault) = clap_mangen::Man::new(command.clone()).render(&mut pages) {
            eprint_line(format_args!("cannot make the manual page: {fault}"));
            return ExitCode::Internal;
        }
    }
    print(&pages)
}
