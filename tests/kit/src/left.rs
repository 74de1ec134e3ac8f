//! What a program has left behind.

use std::fs;
use std::path::{Path, PathBuf};

/// Every process with this folder in its command line.
///
/// # Panics
///
/// If there is no `/proc`.
pub fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("a name in UTF-8");
    let entries = fs::read_dir("/proc").expect("a list of processes").flatten();
    let lines = entries.filter_map(|it| fs::read_to_string(it.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(folder)).collect()
}

/// No process works with this folder any more, and nothing is in it.
///
/// # Panics
///
/// If something is left.
#[track_caller]
pub fn assert_nothing_is_left(folder: &Path) {
    assert_eq!(processes_of(folder), Vec::<String>::new());
    let left = fs::read_dir(folder).expect("a folder").flatten().map(|it| it.path());
    assert_eq!(left.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}
