//! The Rust files of the repository, for tests of what all of them must hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Returns the text of each Rust file that git knows of, by its path below the repository's root.
///
/// # Panics
///
/// If git can't be asked, or lists too few files to be the whole repository.
pub fn rust_files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a repository");
    let listed = Command::new("git").args(["ls-files", "*.rs"]).current_dir(root).output();
    let listed = listed.expect("git");
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).expect("names in UTF-8");
    let files = listed.lines().filter_map(|file| {
        // `git ls-files` also lists a file that was deleted and not committed yet.
        Some((file.to_owned(), fs::read_to_string(root.join(file)).ok()?))
    });
    let files: BTreeMap<_, _> = files.collect();
    assert!(files.len() > 100, "only {} files were read", files.len());
    files
}
