//! Content for files, and what a folder holds afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;

/// Returns `len` random bytes, the same ones for the same seed.
pub fn random_bytes(seed: u64, len: usize) -> Vec<u8> {
    bytes_from(&mut Rng::with_seed(seed), len)
}

/// Returns the next `len` random bytes of this generator.
pub fn bytes_from(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes);
    bytes
}

/// Asserts that two files are equal. Unlike `assert_eq`, a failure prints only the first place at
/// which they differ.
///
/// # Panics
///
/// If the files differ.
#[track_caller]
pub fn assert_same(left: &[u8], right: &[u8]) {
    let first = || left.iter().zip(right).position(|(left, right)| left != right);
    assert!(left == right, "{} and {} bytes differ at {:?}", left.len(), right.len(), first());
}

/// Returns the paths of a folder's entries, sorted.
///
/// # Panics
///
/// If the folder can't be read.
pub fn entries(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// Returns the name and the content of each file of a folder, sorted by name.
///
/// # Panics
///
/// If the folder or one of its entries can't be read, or a name is not UTF-8.
pub fn on_disk(folder: impl AsRef<Path>) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            (name, fs::read(entry.path()).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_are_the_same_for_the_same_seed_only() {
        assert_eq!(random_bytes(3, 100), random_bytes(3, 100));
        assert_ne!(random_bytes(3, 100), random_bytes(4, 100));
    }
}
