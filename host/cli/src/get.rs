//! `fetchlet get`: one download, tried as often as asked for, told in one line.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use indicatif::HumanBytes;
use rustix::fs::{OFlags, fcntl_getfl, fstat, major, minor};

use fetchlet::{Checksum, Client, ClientError, Existing, Filename, Report, Staging, Verify};

use crate::exit_code::ExitCode;
use crate::interrupt::Interrupt;
use crate::output::{eprint_line, escape_for_terminal, print};
use crate::progress::{Display, Style};
use crate::{failure, value};

/// Download a file from a server.
///
/// The file appears under its name only when it is whole.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The server's name or address
    host: String,
    /// The server's port, 1024 to 64000
    #[arg(value_parser = value::port)]
    port: u16,
    /// The file's name on the server
    file: Filename,
    /// Where to put it; `-` is stdout [default: the last component of FILE, here]
    #[arg(short, long, env = "FETCHLET_OUTPUT", value_name = "PATH|-")]
    output: Option<PathBuf>,
    /// Replace an existing target, atomically
    #[arg(short, long, env = "FETCHLET_FORCE", value_parser = FalseyValueParser::new())]
    force: bool,
    /// How long to wait for a server that sends nothing
    #[arg(long, env = "FETCHLET_TIMEOUT", value_name = "DUR", default_value = "10s",
          value_parser = value::duration)]
    timeout: Duration,
    /// How long to wait for each of the host's addresses to accept
    #[arg(long, env = "FETCHLET_CONNECT_TIMEOUT", value_name = "DUR", default_value = "10s",
          value_parser = value::duration)]
    connect_timeout: Duration,
    /// How often to try again what may pass: refused, reset, timed out, ended early
    #[arg(long, env = "FETCHLET_RETRY", value_name = "N", default_value_t = 0)]
    retry: u32,
    /// Refuse a larger file before a byte of it is written
    #[arg(long, env = "FETCHLET_MAX_SIZE", value_name = "BYTES", value_parser = value::bytes)]
    max_size: Option<u64>,
    /// Fail, and leave no file, unless its SHA-256 is this one; what went to stdout is out by then
    #[arg(long, env = "FETCHLET_CHECKSUM", value_name = "sha256:HEX")]
    checksum: Option<Checksum>,
    /// Print the file's SHA-256 to stdout
    #[arg(long, env = "FETCHLET_PRINT_CHECKSUM", value_parser = FalseyValueParser::new())]
    print_checksum: bool,
    /// Do not wait until the file is on the disk: faster, but lost or damaged if the power fails now
    #[arg(long, env = "FETCHLET_NO_SYNC", value_parser = FalseyValueParser::new())]
    no_sync: bool,
    /// How to show progress
    #[arg(long, env = "FETCHLET_PROGRESS", value_enum, value_name = "STYLE",
          default_value_t = Style::Auto)]
    progress: Style,
    /// Say nothing but errors
    #[arg(short, long, env = "FETCHLET_QUIET", value_parser = FalseyValueParser::new())]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  fetchlet get 192.0.2.1 5000 firmware.bin
  fetchlet get localhost 5000 logs/today.txt --output - | less
  fetchlet get ::1 5000 image.bin --force --retry 5 --max-size 1000000

Exit codes:
   0  done
   1  internal fault
   2  wrong usage
   6  cannot resolve the host's name
   7  cannot connect
   8  the answer is not this protocol, or the server found the request malformed
  18  the connection ended early
  23  cannot write the file here
  28  timed out
  32  the checksum is not the one given
  63  larger than --max-size
  73  the target exists
  78  the server has no such file
 129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM
 141  stdout was closed";

/// Where the file goes.
enum Target {
    Stdout(File),
    File(PathBuf, Existing),
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let target = match target(args) {
        Ok(target) => target,
        Err(reason) => {
            eprint_line(format_args!("{reason}"));
            return ExitCode::Usage;
        }
    };
    let needs_stdout = args.print_checksum || matches!(target, Target::Stdout(_));
    if needs_stdout && was_closed(io::stdout()) {
        return ExitCode::BrokenPipe;
    }
    let interrupt = match Interrupt::watch() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            eprint_line(format_args!("cannot watch for signals: {error}"));
            return ExitCode::Internal;
        }
    };
    match retry(args, &target, &interrupt) {
        Ok(report) => {
            // From here on it is done, whatever signal comes.
            mem::forget(interrupt.unfinished().lock());
            print_summary(args, &target, report);
            match report.checksum.filter(|_| args.print_checksum) {
                Some(checksum) => print(format!("{checksum}\n").as_bytes()),
                None => ExitCode::Done,
            }
        }
        Err(error) => {
            let code = failure::exit_code(&error);
            if code != ExitCode::BrokenPipe {
                let advice = failure::advice(&error);
                eprint_line(format_args!("{}: {}; {advice}", args.file.as_str(), error));
            }
            code
        }
    }
}

fn target(args: &Args) -> Result<Target, String> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    match &args.output {
        Some(path) if path.as_os_str() == "-" && args.print_checksum => {
            Err("--print-checksum and --output - both write to stdout; give one of them".into())
        }
        Some(path) if path.as_os_str() == "-" => {
            let stdout = io::stdout().as_fd().try_clone_to_owned();
            stdout.map(|fd| Target::Stdout(fd.into())).map_err(|e| format!("no stdout: {e}"))
        }
        Some(path) => Ok(Target::File(path.clone(), existing)),
        None => match args.file.as_str().rsplit('/').next() {
            None | Some("" | "." | "..") => {
                Err(format!("{} ends in no file name; give one with --output", args.file.as_str()))
            }
            Some(last) if last.contains('\0') => Err(format!(
                "{} can't be a file's name here; give one with --output",
                args.file.as_str()
            )),
            Some(last) => Ok(Target::File(last.into(), existing)),
        },
    }
}

/// Whether there was no stdout at all: Rust's runtime then puts `/dev/null` there, open both ways,
/// which nobody else does.
fn was_closed(stdout: impl AsFd) -> bool {
    let null = fstat(&stdout).is_ok_and(|it| (major(it.st_rdev), minor(it.st_rdev)) == (1, 3));
    null && fcntl_getfl(stdout).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}

/// Tries until it is done, or in vain, or all tries are used up.
fn retry(args: &Args, target: &Target, interrupt: &Interrupt) -> Result<Report, ClientError> {
    let mut delay = Duration::from_secs(1);
    for left in (1..=args.retry).rev() {
        let mut written = false;
        match attempt(args, target, interrupt, &mut written) {
            // What went to stdout can't be taken back.
            Err(error) if error.is_transient() && !written => {
                let wait = jittered(delay);
                eprint_line(format_args!(
                    "{}: {error}; trying again in {wait:.1?} ({left} left)",
                    args.file.as_str()
                ));
                thread::sleep(wait);
                delay = (delay * 2).min(Duration::from_secs(30));
            }
            result => return result,
        }
    }
    attempt(args, target, interrupt, &mut false)
}

fn attempt(
    args: &Args,
    target: &Target,
    interrupt: &Interrupt,
    written: &mut bool,
) -> Result<Report, ClientError> {
    if let Target::File(path, existing) = target {
        Staging::check(path, *existing)?;
    }
    let verify = match args.checksum {
        Some(expected) => Verify::Equal(expected),
        None if args.print_checksum => Verify::Tell,
        None => Verify::Length,
    };
    let mut client = Client::new()
        .connect_timeout(args.connect_timeout)
        .idle_timeout(args.timeout)
        .verify(verify)
        .sync(!args.no_sync);
    if let Some(bytes) = args.max_size {
        client = client.max_size(bytes);
    }
    let response = client.request(&args.host, args.port, args.file.clone())?;
    let style = if args.quiet { Style::None } else { args.progress };
    let mut display = Display::new(style, &escape_for_terminal(args.file.as_str()), response.len());
    match target {
        Target::File(path, existing) => {
            response.save(path, *existing, interrupt.unfinished(), |it| display.update(it))
        }
        Target::Stdout(stdout) => response.read_to_file(stdout, |progress| {
            *written = true;
            display.update(progress);
        }),
    }
}

fn print_summary(args: &Args, target: &Target, report: Report) {
    if args.quiet {
        return;
    }
    let Report { bytes, elapsed, .. } = report;
    let rate = HumanBytes((bytes as f64 / elapsed.as_secs_f64().max(1e-9)) as u64);
    let place = match target {
        Target::Stdout(_) => "stdout".into(),
        Target::File(path, _) => path.display().to_string(),
    };
    eprint_line(format_args!(
        "{}: {bytes} bytes to {place} in {elapsed:.1?}, {rate}/s",
        args.file.as_str()
    ));
}

/// Half to all of `delay`: peers that failed together do not come back together.
fn jittered(delay: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() as u32;
    delay.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}
