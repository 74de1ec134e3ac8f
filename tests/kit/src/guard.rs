//! Nothing outlives a program that watches: what it started and what it made is kept in one list, which a
//! signal ends and removes. Without a signal the owners' `Drop` does, also while a panic unwinds.

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

#[derive(Debug)]
struct List {
    watched: bool,
    groups: Vec<Pid>,
    folders: Vec<PathBuf>,
}

static LIST: Mutex<List> =
    Mutex::new(List { watched: false, groups: Vec::new(), folders: Vec::new() });

fn list() -> MutexGuard<'static, List> {
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the signals that end this program end first what it starts, and remove its folders.
///
/// # Errors
///
/// If the system refuses to tell of signals.
pub fn watch() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    list().watched = true;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Held to the end: nothing more is started meanwhile.
            let list = list();
            for group in &list.groups {
                kill(*group);
                // Else it may be there for a moment still. The owner may have been faster.
                waitpgid(*group, WaitOptions::empty()).ok();
            }
            for folder in &list.folders {
                // There is nobody left to tell.
                fs::remove_dir_all(folder).ok();
            }
            process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Starts it, in a process group of its own if this program watches: what it starts in turn ends with
/// it. Else it stays in this one's, which a terminal ends as a whole.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut list = list();
    if !list.watched {
        return command.spawn();
    }
    let child = command.process_group(0).spawn()?;
    list.groups.push(Pid::from_child(&child));
    Ok(child)
}

/// Kills it and what is left of its group.
pub(crate) fn end(child: &mut Child) {
    let group = Pid::from_child(child);
    if list().groups.contains(&group) {
        kill(group);
    }
    // Neither fails but for a child that has ended already.
    child.kill().ok();
    child.wait().ok();
    forget(group);
}

/// The group has ended by itself.
pub(crate) fn forget(group: Pid) {
    list().groups.retain(|it| *it != group);
}

fn kill(group: Pid) {
    // A group that is gone is what was wanted.
    kill_process_group(group, Signal::KILL).ok();
}

/// A folder of this run, removed when dropped or at a signal.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// A new one where temporary files go.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn new() -> io::Result<Self> {
        Self::within(&std::env::temp_dir())
    }

    /// A new one in `parent`.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn within(parent: &Path) -> io::Result<Self> {
        let mut list = list();
        let folder = tempfile::Builder::new().prefix("fetchlet-").tempdir_in(parent)?;
        list.folders.push(folder.path().to_owned());
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        list().folders.retain(|it| it != self.0.path());
    }
}
