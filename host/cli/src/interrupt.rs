//! Signals during `get`: the unfinished staging file is removed, then the program ends.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io, mem, process, thread};

use fetchlet::{IfExists, Staging, StagingError};
use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::background_writer::write_within;
use crate::exit_code::SIGNAL_BASE;
use crate::inherited::is_ignored;
use crate::output::line_for_user;

/// The signals that do not end the program (signal(7)): they stop it, let it go on, or tell it what
/// it does not want to know.
const HARMLESS: [Signal; 7] = [
    Signal::SIGCHLD,
    Signal::SIGCONT,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGURG,
    Signal::SIGWINCH,
];

/// How long the end by a signal waits for stderr, which may be a pipe that nobody reads or a
/// stopped terminal. The program's own thread may wait for it already.
const LAST_LINE: Duration = Duration::from_millis(500);

/// Ends the program when a signal comes, and removes the staging file first.
#[derive(Clone)]
pub(crate) struct Interrupt {
    /// The path of the staging file, while there is one. A signal waits for the lock, so that no
    /// staging file is just being created or renamed when the signal's thread looks.
    unfinished: Arc<Mutex<Option<PathBuf>>>,
}

impl Interrupt {
    /// Takes over every signal that would end the program, but for SIGKILL, which can't be, and
    /// those that the program was started to ignore (`nohup`) or to hold back. A write beyond the
    /// limit of file sizes (SIGXFSZ) or into a broken pipe (SIGPIPE) fails, and ends nothing.
    ///
    /// Call this before there is a second thread: threads hold back what their parent does.
    pub(crate) fn watch() -> io::Result<Self> {
        let mut ending = SigSet::all();
        HARMLESS.into_iter().for_each(|signal| ending.remove(signal));
        let held_back = ending.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        held_back.iter().for_each(|signal| ending.remove(signal));
        let signals = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC)?;
        let this = Self { unfinished: Arc::default() };
        let watcher = this.clone();
        thread::Builder::new().name("signals".into()).spawn(move || {
            loop {
                match signals.read_signal() {
                    // One that is held back comes though it is ignored.
                    Ok(Some(signal)) if !is_ignored(signal.ssi_signo.cast_signed()) => {
                        watcher.end(signal.ssi_signo.cast_signed());
                    }
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(_) => return,
                }
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
        let said = match unfinished.as_deref().map(|path| (path, fs::remove_file(path))) {
            // A file that is not there belongs to a download that failed at this very moment.
            Some((path, Err(error))) if error.kind() != io::ErrorKind::NotFound => {
                let path = path.display();
                line_for_user(format_args!("stopped by a signal; cannot remove {path}: {error}"))
            }
            Some(_) => {
                line_for_user(format_args!("stopped by a signal; the unfinished file is removed"))
            }
            None => line_for_user(format_args!("stopped by a signal")),
        };
        // The progress bar leaves the cursor within its line.
        let line_end = if io::stderr().is_terminal() { "\n" } else { "" };
        write_within(LAST_LINE, io::stderr(), format!("{line_end}{said}")).ok();
        process::exit(SIGNAL_BASE + signal)
    }
}
