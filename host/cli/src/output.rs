//! What the program writes: results to stdout, one line for a person to stderr.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::iter;
use std::os::fd::AsFd;
use std::sync::LazyLock;
use std::time::Duration;

use crate::background_writer::BackgroundWriter;
use crate::exit_code::ExitCode;
use crate::inherited::stdout_was_closed;

/// How long the program waits for stderr before it ends: longer than a busy machine takes for a
/// line, and no reader is to be waited for for ever. A terminal may be stopped by Ctrl-S.
const PATIENCE: Duration = Duration::from_secs(5);

/// What writes to stderr. It starts with the first line, so that a program without one has no
/// thread for it. `None`: the system allows no thread.
static STDERR: LazyLock<Option<BackgroundWriter>> =
    LazyLock::new(|| BackgroundWriter::start(io::stderr(), |_| {}).ok());

/// An error with all its sources, in one line: `what failed: why: why that`.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        write!(f, "{error}")?;
        let mut sources = iter::successors(error.source(), |&error| error.source());
        sources.try_for_each(|source| write!(f, ": {source}"))
    }
}

/// Writes a result to stdout, and closes what was written to: some file systems report only then
/// that they did not take it.
pub(crate) fn print(text: &[u8]) -> ExitCode {
    if stdout_was_closed() {
        return ExitCode::BrokenPipe;
    }
    match write_and_close(text) {
        Ok(()) => ExitCode::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::BrokenPipe,
        Err(error) => {
            eprint_line(format_args!("cannot write to stdout: {error}"));
            ExitCode::WriteFailed
        }
    }
}

fn write_and_close(text: &[u8]) -> io::Result<()> {
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    stdout.write_all(text)?;
    Ok(nix::unistd::close(stdout)?)
}

/// Writes one line to stderr, and waits until it is written, but no longer than [`PATIENCE`].
pub(crate) fn eprint_line(line: fmt::Arguments<'_>) {
    eprint(&line_for_user(line));
}

/// As [`eprint_line`], with lines that begin and end as they are.
pub(crate) fn eprint(lines: &str) {
    post(lines);
    if let Some(stderr) = &*STDERR {
        stderr.flush_for(PATIENCE);
    }
}

/// Has one line written to stderr, and does not wait for that: work goes on meanwhile.
pub(crate) fn post_line(line: fmt::Arguments<'_>) {
    post(&line_for_user(line));
}

/// When stderr itself is gone, nobody is left to be told.
fn post(lines: &str) {
    match STDERR.clone() {
        Some(mut stderr) => stderr.write_all(lines.as_bytes()),
        None => io::stderr().write_all(lines.as_bytes()),
    }
    .ok();
}

/// A line for a person at a terminal, with its end, that says which program speaks.
pub(crate) fn line_for_user(line: fmt::Arguments<'_>) -> String {
    format!("fetchlet: {}\n", escape_for_terminal(&line.to_string()))
}

/// Escapes every character that would steer a terminal or begin another line.
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fetchlet::{IfExists, Staging};

    use super::*;

    #[test]
    fn a_chain_names_each_cause_once() {
        let error = Staging::check(Path::new("/dev/null/file"), IfExists::Fail).unwrap_err();
        let text = Chain(&fetchlet::ClientError::from(error)).to_string();
        let expected = "cannot write to /dev/null: not a directory";
        assert_eq!(text, expected);
    }
}
