//! What the program writes: results to stdout, one line for a person to stderr.

use std::fmt;
use std::io::{self, Write};

use crate::exit_code::ExitCode;

pub(crate) fn print(text: &[u8]) -> ExitCode {
    match io::stdout().write_all(text) {
        Ok(()) => ExitCode::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::BrokenPipe,
        Err(error) => {
            eprint_line(format_args!("cannot write to stdout: {error}"));
            ExitCode::WriteFailed
        }
    }
}

/// One line on stderr. Nobody is left to be told when stderr itself is gone.
pub(crate) fn eprint_line(what: fmt::Arguments<'_>) {
    writeln!(io::stderr(), "fetchlet: {}", escape_for_terminal(&what.to_string())).ok();
}

/// Names and texts from elsewhere, with nothing in them that would steer a terminal or add a line.
pub(crate) fn escape_for_terminal(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => line.push(character),
            _ => line.extend(character.escape_debug()),
        }
    }
    line
}
