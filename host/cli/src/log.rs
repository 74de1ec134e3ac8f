//! The log of `serve`: on stderr, one line per event, as text or JSON, safe to show on a terminal.
//! No event waits for a reader of stderr.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::ValueEnum;
use libc::SIGXFSZ;
use tracing::level_filters::LevelFilter;

use crate::background_writer::BackgroundWriter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: `key=value`, strings quoted and escaped.
    Text,
    /// For programs: one object per line, in ASCII.
    Json,
}

/// Sets the log up for the rest of the process, and returns what writes to it. `quiet` wins over
/// `verbose`.
///
/// Nothing else may write to stderr from then on: it would wait for a reader.
///
/// # Errors
///
/// If the system allows no thread or no signal handler.
pub(crate) fn init(format: Format, verbose: u8, quiet: bool) -> io::Result<BackgroundWriter> {
    // A log beyond the limit of file sizes then loses lines, instead of ending the program.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let writer = BackgroundWriter::start(io::stderr(), |lost| {
        tracing::warn!(lost, "log lines are lost: nobody read the log, or it had no room");
    })?;
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::WARN,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        // The subscriber would report a failed write to stderr on stderr, and panic when that fails
        // too.
        .log_internal_errors(false);
    let lines = writer.clone();
    match format {
        Format::Text => log.with_ansi(colours()).with_writer(move || lines.clone()).init(),
        Format::Json => log
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .with_writer(move || Ascii(lines.clone()))
            .init(),
    }
    panic::set_hook(Box::new(log_panic));
    Ok(writer)
}

/// Logs a panic, in the place of std's own hook, which would wait for a reader of stderr.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    let reason = panic.payload_as_str();
    tracing::error!(at = at.as_deref(), reason, "a fault of the program, please report it");
}

/// Whether log lines are coloured: on a terminal, unless `NO_COLOR` is set and not empty
/// (<https://no-color.org>).
fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}

/// Writes JSON in printable ASCII, so that no terminal obeys a file's name. JSON lets a string hold
/// DEL and every character beyond ASCII as they are: here they become `\uXXXX`, which parses back
/// to the same.
struct Ascii<W>(W);

impl<W: Write> Write for Ascii<W> {
    /// Writes `json`, which has to be a whole line: a character cut in two would be lost.
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let mut ascii = String::with_capacity(json.len());
        for character in String::from_utf8_lossy(json).chars() {
            if character.is_ascii() && character != '\u{7f}' {
                ascii.push(character);
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(ascii, "\\u{unit:04x}").map_err(io::Error::other)?;
            }
        }
        self.0.write_all(ascii.as_bytes())?;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, ErrorKind, Read, pipe};
    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::{env, iter, thread};

    use fetchlet_test_kit::{ChildProcess, LIMIT, PATIENCE, within};

    use super::*;

    /// What the process that panics says on stdout, once the thread has ended that did.
    const PANICKED: &str = "the thread has panicked";

    #[test]
    fn a_panic_waits_for_no_reader_of_the_log_and_is_told_to_one_who_comes_later() {
        within(LIMIT, || {
            let (mut log, mut writer) = pipe().unwrap();
            rustix::io::ioctl_fionbio(&writer, true).unwrap();
            let full = iter::repeat_with(|| writer.write(b".")).find_map(Result::err).unwrap();
            assert_eq!(full.kind(), ErrorKind::WouldBlock);
            rustix::io::ioctl_fionbio(&writer, false).unwrap();
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", "log::tests::a_thread_that_panics"]);
            command.args(["--include-ignored", "--nocapture"]);
            let mut process =
                ChildProcess::start(command.stdout(Stdio::piped()).stderr(writer)).unwrap();
            drop(command);
            let stdout = BufReader::new(process.stdout().unwrap());
            let (sender, lines) = mpsc::channel();
            thread::spawn(move || {
                stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
            while lines.recv_timeout(PATIENCE).expect("it waits for a reader") != PANICKED {}
            let mut said = String::new();
            log.read_to_string(&mut said).unwrap();
            assert!(said.contains("a fault of the program, please report it at="), "{said}");
            assert!(said.contains(r#"reason="on purpose""#), "{said}");
            assert_eq!(process.wait(PATIENCE).unwrap().unwrap().code(), Some(0));
        });
    }

    #[test]
    #[ignore = "the test above runs it, in a process of its own"]
    fn a_thread_that_panics() {
        let log = init(Format::Text, 0, false).unwrap();
        thread::spawn(|| panic!("on purpose")).join().unwrap_err();
        println!("{PANICKED}");
        log.flush_for(PATIENCE);
    }

    #[test]
    fn json_stays_the_same_and_becomes_ascii() {
        let name = "a\"\\\n\u{1b}\u{7f}\u{85}\u{202e}ü\u{1d11e}";
        let json = serde_json::json!({ "name": name }).to_string();
        let mut ascii = Ascii(Vec::new());
        writeln!(ascii, "{json}").unwrap();
        let line = String::from_utf8(ascii.0).unwrap();
        let (line, end) = line.split_at(line.len() - 1);
        assert_eq!(end, "\n");
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
        let back: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(back["name"], name);
    }
}
