//! What a test puts into files, and what it finds in a folder afterwards.

use std::fs;
use std::path::Path;

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
