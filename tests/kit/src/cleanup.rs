//! Cleanup of processes and folders when a program ends, by a signal too.
//!
//! Without a signal the owners' `Drop` cleans up, also while a panic unwinds. After
//! [`clean_up_on_signals`] one list holds all that must not be left behind, and a signal ends and
//! removes it.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpgid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use crate::signals::{default_signals_for_children, is_ignored};

#[derive(Debug)]
struct Owned {
    watched: bool,
    groups: Vec<Pid>,
    folders: Vec<PathBuf>,
}

static OWNED: Mutex<Owned> =
    Mutex::new(Owned { watched: false, groups: Vec::new(), folders: Vec::new() });

fn owned() -> MutexGuard<'static, Owned> {
    OWNED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes SIGHUP, SIGINT and SIGTERM kill the processes that this program has started and remove its
/// folders before they end this program, with exit code 128 and the signal's number. A signal that
/// this program was started to ignore, as by `nohup`, stays ignored.
///
/// # Errors
///
/// If the system refuses to report signals.
pub fn clean_up_on_signals() -> io::Result<()> {
    let wanted = [SIGHUP, SIGINT, SIGTERM].into_iter();
    let mut signals = Signals::new(wanted.filter(|signal| !is_ignored(*signal)))?;
    owned().watched = true;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // The lock is held to the end, so that nothing more is started.
            let owned = owned();
            for group in &owned.groups {
                kill_group(*group);
                // The process would still exist for a moment. Its owner may have waited for it
                // first.
                waitpgid(*group, WaitOptions::empty()).ok();
            }
            for folder in &owned.folders {
                // Nobody is left to report an error to.
                fs::remove_dir_all(folder).ok();
            }
            process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Starts a process, with the default action of each signal. After [`clean_up_on_signals`] the
/// process gets a group of its own, so that its children end with it; before, it stays in this
/// program's group, which a terminal ends as a whole.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    default_signals_for_children();
    let mut owned = owned();
    if !owned.watched {
        return command.spawn();
    }
    let child = command.process_group(0).spawn()?;
    owned.groups.push(Pid::from_child(&child));
    Ok(child)
}

/// Kills a child and what is left of its group, and waits for the child.
pub(crate) fn kill(child: &mut Child) {
    let group = Pid::from_child(child);
    if owned().groups.contains(&group) {
        kill_group(group);
    }
    // Both calls fail only for a child that has ended already.
    child.kill().ok();
    child.wait().ok();
    forget(group);
}

/// Takes a group that has ended by itself off the list.
pub(crate) fn forget(group: Pid) {
    owned().groups.retain(|it| *it != group);
}

fn kill_group(group: Pid) {
    // An error means that the group has ended already.
    kill_process_group(group, Signal::KILL).ok();
}

/// A temporary folder, removed when dropped, and by a signal after [`clean_up_on_signals`].
#[derive(Debug)]
pub struct TempFolder(TempDir);

impl TempFolder {
    /// Makes a new folder in the system's folder for temporary files.
    ///
    /// # Errors
    ///
    /// Errors of the file system.
    pub fn new() -> io::Result<Self> {
        Self::within(&std::env::temp_dir())
    }

    /// Makes a new folder in `parent`.
    ///
    /// # Errors
    ///
    /// Errors of the file system.
    pub fn within(parent: &Path) -> io::Result<Self> {
        let mut owned = owned();
        let folder = tempfile::Builder::new().prefix("fetchlet-").tempdir_in(parent)?;
        owned.folders.push(folder.path().to_owned());
        Ok(Self(folder))
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        owned().folders.retain(|it| it != self.0.path());
    }
}
