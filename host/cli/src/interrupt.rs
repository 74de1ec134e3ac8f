//! Signals during `get`: the unfinished staging file is removed, then the program ends.

use std::io::{IsTerminal, Write};
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::{fs, io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use fetchlet::Unfinished;

use crate::exit_code::ExitCode;
use crate::output::eprint_line;

/// Knows which file is unfinished. While its lock is held, a signal waits.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<Unfinished>);

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP, but not those that were ignored at the start (`nohup`).
    pub(crate) fn watch() -> io::Result<Self> {
        // A file size limit is then an error of `write` instead of the end of the program.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        let ignored = ignored_signals();
        let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter();
        let mut signals = Signals::new(wanted.filter(|signal| ignored >> (signal - 1) & 1 == 0))?;
        let this = Self(Arc::default());
        let watcher = this.clone();
        thread::Builder::new().name("signals".into()).spawn(move || {
            if let Some(signal) = signals.forever().next() {
                watcher.end(signal);
            }
        })?;
        Ok(this)
    }

    /// Where the unfinished file is to be named.
    pub(crate) fn unfinished(&self) -> &Unfinished {
        &self.0
    }

    fn end(&self, signal: i32) -> ! {
        let unfinished = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let code = match signal {
            SIGHUP => ExitCode::HungUp,
            SIGINT => ExitCode::Interrupted,
            _ => ExitCode::Terminated,
        };
        if io::stderr().is_terminal() {
            // The progress bar leaves the cursor within its line.
            io::stderr().write_all(b"\n").ok();
        }
        match unfinished.as_deref().map(|path| (path, fs::remove_file(path))) {
            // Not there any more: the download failed or was done at this very moment.
            Some((path, Err(error))) if error.kind() != io::ErrorKind::NotFound => {
                eprint_line(format_args!(
                    "stopped by a signal; cannot remove {}: {error}",
                    path.display()
                ));
            }
            Some(_) => {
                eprint_line(format_args!("stopped by a signal; the unfinished file is removed"));
            }
            None => eprint_line(format_args!("stopped by a signal")),
        }
        process::exit(code as i32)
    }
}

/// The set of signals this process was started to ignore, a bit each; none where it can't be told.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
