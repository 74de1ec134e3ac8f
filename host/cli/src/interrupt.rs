//! Signals during `get`: the unfinished staging file is removed, then the program ends.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io, mem, process, thread};

use fetchlet::{IfExists, Staging, StagingError};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::exit_code::ExitCode;
use crate::output::eprint_line;

/// Ends the program when a signal comes, and removes the staging file first.
#[derive(Clone)]
pub(crate) struct Interrupt {
    /// The path of the staging file, while there is one. A signal waits for the lock, so that no
    /// staging file is just being created or renamed when the signal's thread looks.
    unfinished: Arc<Mutex<Option<PathBuf>>>,
}

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP, but not those that the program was started to ignore
    /// (`nohup`).
    pub(crate) fn watch() -> io::Result<Self> {
        // A write beyond the limit of file sizes then fails, instead of ending the program.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter();
        let mut signals = Signals::new(wanted.filter(|signal| !is_ignored(*signal)))?;
        let this = Self { unfinished: Arc::default() };
        let watcher = this.clone();
        thread::Builder::new().name("signals".into()).spawn(move || {
            if let Some(signal) = signals.forever().next() {
                watcher.end(signal);
            }
        })?;
        Ok(this)
    }

    /// Creates a staging file that a signal removes.
    pub(crate) fn create_staging(&self, target: &Path) -> Result<Staging, StagingError> {
        let mut unfinished = self.lock();
        let staging = Staging::create(target)?;
        *unfinished = Some(staging.path().into());
        Ok(staging)
    }

    /// Renames a staging file to its target. A signal comes before or after, not in between.
    pub(crate) fn commit(&self, staging: Staging, if_exists: IfExists) -> Result<(), StagingError> {
        let mut unfinished = self.lock();
        staging.commit(if_exists)?;
        *unfinished = None;
        Ok(())
    }

    /// Lets later signals wait for ever: the download is done, whatever comes.
    pub(crate) fn ignore(&self) {
        mem::forget(self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Option<PathBuf>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, signal: i32) -> ! {
        let unfinished = self.lock();
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
            // A file that is not there belongs to a download that failed at this very moment.
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

/// Whether this process was started to ignore a signal: bit n - 1 of a mask is signal n, proc(5).
/// `false` where the system does not tell.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
