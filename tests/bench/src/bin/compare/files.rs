//! Makes the files that the servers serve: each when it is first used, in the page cache from then
//! on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use fetchlet_test_kit::{TempFolder, random_bytes};
use rustix::fs::{Advice, fadvise, statfs, statvfs};

use crate::result::Result;

/// The length of the block that is written and compared at a time, in bytes.
const MEBIBYTE: usize = 1 << 20;

/// `TMPFS_MAGIC` of `linux/magic.h`: the `f_type` of a file system without a disk.
const TMPFS: i64 = 0x0102_1994;

/// The served folder, and the names of the files already made there.
#[derive(Debug)]
pub(crate) struct TestFiles {
    folder: TempFolder,
    made: RefCell<BTreeSet<String>>,
}

/// A served file.
#[derive(Clone, Debug)]
pub(crate) struct TestFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
}

impl TestFiles {
    pub(crate) fn new(parent: &Path) -> Result<Self> {
        Ok(Self { folder: TempFolder::within(parent)?, made: RefCell::default() })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a file of `len` random bytes, which depend on the name and the length.
    pub(crate) fn noise(&self, name: &str, len: u64) -> Result<TestFile> {
        self.made(name, len, len, |file| fill(file, name, len))
    }

    /// Makes a file of `len` bytes that is one hole and takes no room on disk.
    pub(crate) fn sparse(&self, name: &str, len: u64) -> Result<TestFile> {
        self.made(name, len, 0, |file| Ok(file.set_len(len)?))
    }

    fn made(
        &self,
        name: &str,
        len: u64,
        room: u64,
        make: impl FnOnce(&mut File) -> Result<()>,
    ) -> Result<TestFile> {
        let served = TestFile { name: name.to_owned(), path: self.folder().join(name), len };
        if self.made.borrow_mut().insert(name.to_owned()) {
            check_room(self.folder(), room)?;
            make(&mut File::create_new(&served.path)?)?;
        }
        Ok(served)
    }

    /// Whether the folder is on a disk, so that a read can miss the page cache.
    pub(crate) fn on_disk(&self) -> Result<bool> {
        Ok(statfs(self.folder())?.f_type != TMPFS)
    }
}

impl TestFile {
    /// Drops the file from the page cache, after it was written to disk.
    pub(crate) fn evict(&self) -> Result<()> {
        let file = File::open(&self.path)?;
        file.sync_all()?;
        Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
    }

    /// Fails unless the file at `path` has the same content.
    pub(crate) fn check_copy(&self, path: &Path) -> Result<()> {
        if same(&self.path, path)? {
            Ok(())
        } else {
            Err(format!("{} is not {}", path.display(), self.name).into())
        }
    }
}

/// Fails unless `len` bytes fit into the file system and leave a gibibyte free.
pub(crate) fn check_room(folder: &Path, len: u64) -> Result<()> {
    let stat = statvfs(folder)?;
    if stat.f_bavail * stat.f_frsize < len + (1 << 30) {
        return Err(format!("{}: no room for {len} bytes and 1 GiB more", folder.display()).into());
    }
    Ok(())
}

/// Writes the same random mebibyte again and again, each copy stamped with its number: cheap, and
/// no two are alike.
fn fill(file: &mut File, name: &str, len: u64) -> Result<()> {
    let seed = name.bytes().fold(len, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut block = random_bytes(seed, MEBIBYTE.min(usize::try_from(len)?));
    let mut left = usize::try_from(len)?;
    let mut number = 0_u64;
    while left > 0 {
        let now = left.min(block.len());
        if let Some(stamp) = block.first_chunk_mut() {
            *stamp = number.to_be_bytes();
        }
        file.write_all(block.get(..now).unwrap_or_default())?;
        left -= now;
        number += 1;
    }
    Ok(())
}

fn same(one: &Path, other: &Path) -> Result<bool> {
    if fs::metadata(one)?.len() != fs::metadata(other)?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    loop {
        ours.clear();
        theirs.clear();
        let len = (&mut one).take(MEBIBYTE as u64).read_to_end(&mut ours)?;
        (&mut other).take(MEBIBYTE as u64).read_to_end(&mut theirs)?;
        if len == 0 || ours != theirs {
            return Ok(ours == theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn a_file_is_as_long_as_asked_for_and_made_once() {
        let files = TestFiles::new(&env::temp_dir()).unwrap();
        for len in [0, 1, 1024, (1 << 20) + 7] {
            let name = format!("{len}.bin");
            let content = fs::read(files.noise(&name, len).unwrap().path).unwrap();
            assert_eq!(content.len() as u64, len);
            assert_eq!(fs::read(files.noise(&name, len).unwrap().path).unwrap(), content);
        }
    }

    #[test]
    fn a_copy_with_one_other_byte_is_found() {
        let files = TestFiles::new(&env::temp_dir()).unwrap();
        let served = files.noise("a", (2 << 20) + 3).unwrap();
        let copy = files.folder().join("copy");
        let mut content = fs::read(&served.path).unwrap();
        fs::write(&copy, &content).unwrap();
        served.check_copy(&copy).unwrap();
        *content.last_mut().unwrap() ^= 1;
        fs::write(&copy, &content).unwrap();
        served.check_copy(&copy).unwrap_err();
        content.pop();
        fs::write(&copy, &content).unwrap();
        served.check_copy(&copy).unwrap_err();
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        check_room(&env::temp_dir(), 1 << 60).unwrap_err();
    }
}
