//! Renaming within a folder, as far as the folder's file system can.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;

/// How a file system renames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renaming {
    /// The file system refuses to replace a file if it is told so (`RENAME_NOREPLACE`).
    Exclusive,
    /// The file system replaces whatever has the new name.
    Replacing,
}

impl Renaming {
    /// Finds out by renaming a file of our own from one name to another that is free.
    pub(super) fn find_out(from: &Path, to: &Path) -> io::Result<Self> {
        match rename_exclusively(from, to) {
            Ok(()) => Ok(Self::Exclusive),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Whatever else the reason: all that counts is whether there is another way.
            Err(_) => fs::rename(from, to).map(|()| Self::Replacing),
        }
    }

    /// Renames `from` to `to`, unless there is something already.
    pub(super) fn rename_to_new(self, from: &Path, to: &Path) -> io::Result<()> {
        match self {
            Self::Exclusive => rename_exclusively(from, to),
            Self::Replacing => match linkat(CWD, from, CWD, to, AtFlags::empty()) {
                Ok(()) => {
                    // The file is whole at the new name, whatever becomes of the old one.
                    fs::remove_file(from).ok();
                    Ok(())
                }
                Err(Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => reserve_and_rename(from, to),
            },
        }
    }
}

fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// Takes the name by creating an empty file, which only one can, and renames over that. For a
/// moment the target is there and empty; a file system without links has nothing better.
fn reserve_and_rename(from: &Path, to: &Path) -> io::Result<()> {
    drop(File::create_new(to)?);
    fs::rename(from, to).inspect_err(|_| {
        fs::remove_file(to).ok();
    })
}
