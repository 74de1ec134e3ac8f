//! Leak check: the processes and files that a program has left behind.

use std::path::{Path, PathBuf};

use procfs::process::all_processes;

use crate::files::entries;

/// Returns the command line of each process that names this folder in it.
///
/// # Panics
///
/// If there is no `/proc`, or the path is not UTF-8.
pub fn processes_using(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("a name in UTF-8");
    let processes = all_processes().expect("a list of processes").flatten();
    let lines = processes.filter_map(|process| Some(process.cmdline().ok()?.join(" ")));
    lines.filter(|line| line.contains(folder)).collect()
}

/// Asserts that no process names this folder in its command line, and that the folder is empty.
///
/// # Panics
///
/// If a process or a file is left.
#[track_caller]
pub fn assert_no_leaks(folder: &Path) {
    assert_eq!(processes_using(folder), Vec::<String>::new());
    assert_eq!(entries(folder), Vec::<PathBuf>::new());
}
