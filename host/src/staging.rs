//! The file that becomes the target only when it is whole (R14).
//!
//! Data goes to `.NAME.part-XXXXXX` beside the target, so that the last step is a rename within one
//! folder: whatever happens, the target is the old file or the whole new one. An unfinished staging
//! file is removed when its [`Staging`] is dropped.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::fstatvfs;
use rustix::io::Errno;
use tempfile::NamedTempFile;

/// What to do with a file that has the target's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, and fail.
    Keep,
    /// Replace it, atomically. A symbolic link is replaced, not followed.
    Replace,
}

/// An unfinished file beside its target.
#[derive(Debug)]
pub struct Staging {
    file: NamedTempFile,
    target: PathBuf,
    synced: bool,
}

/// Why a file did not get to its target. But for [`NotSynced`](Self::NotSynced), what was there before
/// is untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StagingError {
    /// The target exists and is to be kept.
    #[error("{} exists", .0.display())]
    TargetExists(PathBuf),
    /// The target is a folder, a device, a pipe or a socket, which is never replaced.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The target's path ends in no name.
    #[error("{} has no file name", .0.display())]
    NoFileName(PathBuf),
    /// The file is at the target, and whole, but a power failure may undo the renaming.
    #[error("{} is whole and in place, but its folder could not be synced: {source}", .path.display())]
    NotSynced {
        /// The target.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused to create, keep or rename the file.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Staging {
    /// Whether a download to `target` may end well: worth asking before connecting.
    ///
    /// # Errors
    ///
    /// [`StagingError::TargetExists`], [`StagingError::NotAFile`], [`StagingError::NoFileName`], and
    /// [`StagingError::Io`] if there is no such folder.
    pub fn check(target: &Path, existing: Existing) -> Result<(), StagingError> {
        if target.file_name().is_none() || target.as_os_str().as_bytes().ends_with(b"/") {
            return Err(StagingError::NoFileName(target.into()));
        }
        let folder = folder(target);
        match folder.metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                return Err(io_error("write to", folder)(io::ErrorKind::NotADirectory.into()));
            }
            Err(error) => return Err(io_error("write to", folder)(error)),
        }
        // Not `exists`: that follows links, and a dangling one is in the way as well.
        let Ok(metadata) = target.symlink_metadata() else {
            return Ok(());
        };
        let kind = metadata.file_type();
        let special = kind.is_char_device() || kind.is_block_device();
        match existing {
            _ if kind.is_dir() || special || kind.is_fifo() || kind.is_socket() => {
                Err(StagingError::NotAFile(target.into()))
            }
            Existing::Keep => Err(StagingError::TargetExists(target.into())),
            Existing::Replace => Ok(()),
        }
    }

    /// Creates an empty staging file beside `target`, with the mode that a new file would have.
    ///
    /// # Errors
    ///
    /// [`StagingError::NoFileName`], or [`StagingError::Io`] if the folder takes no new file.
    pub fn create(target: &Path) -> Result<Self, StagingError> {
        let Some(name) = target.file_name() else {
            return Err(StagingError::NoFileName(target.into()));
        };
        // A name may have 255 bytes, and the prefix and suffix want some of them.
        let name: String = name.to_string_lossy().chars().take(50).collect();
        let folder = folder(target);
        let file = tempfile::Builder::new()
            .prefix(&format!(".{name}.part-"))
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|error| io_error("create a file in", folder)(system_error(error)))?;
        Ok(Self { file, target: target.into(), synced: false })
    }

    /// Where the data goes meanwhile.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The file to write to.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Whether the disk has room for `len` bytes, so that a full one is found before the first of them.
    ///
    /// # Errors
    ///
    /// [`StagingError::Io`] if there is none. A file system that can't tell is no error.
    pub fn check_room(&self, len: u64) -> Result<(), StagingError> {
        match fstatvfs(self.file()) {
            Ok(disk) if disk.f_blocks > 0 && disk.f_bavail.saturating_mul(disk.f_frsize) < len => {
                Err(self.not_written(Errno::NOSPC.into()))
            }
            _ => Ok(()),
        }
    }

    /// The error for data that could not be written.
    pub(crate) fn not_written(&self, source: io::Error) -> StagingError {
        io_error("write", &self.target)(source)
    }

    /// Waits until the data is on the disk. A rename alone may reach it earlier than the data does.
    ///
    /// # Errors
    ///
    /// [`StagingError::Io`] if the disk did not take it.
    pub fn sync(&mut self) -> Result<(), StagingError> {
        self.file().sync_all().map_err(|error| self.not_written(error))?;
        self.synced = true;
        Ok(())
    }

    /// Gives the file the target's name; if it was [synced](Self::sync), that is made to last as well.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check), whose question is asked again, and [`StagingError::Io`].
    pub fn commit(self, existing: Existing) -> Result<(), StagingError> {
        let Self { file, target, synced } = self;
        Self::check(&target, existing)?;
        let renamed = match existing {
            Existing::Keep => file.persist_noclobber(&target),
            Existing::Replace => file.persist(&target),
        };
        match renamed {
            Ok(_) if !synced => Ok(()),
            Ok(_) => sync_folder(folder(&target))
                .map_err(|source| StagingError::NotSynced { path: target, source }),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(StagingError::TargetExists(target))
            }
            Err(refused) => Err(io_error("rename the finished file to", &target)(refused.error)),
        }
    }
}

/// Makes the rename itself last. Some file systems can't sync a folder, and need not; one that may be
/// written but not read can't be synced by us.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::INVAL | Errno::ACCESS | Errno::PERM) => Ok(()),
            _ => Err(error),
        },
        Ok(()) => Ok(()),
    }
}

fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The system's words without the staging file's path, which tempfile adds and means nothing to a user.
fn system_error(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((words, _)) => io::Error::new(error.kind(), words),
        None => error,
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StagingError {
    let path = path.to_path_buf();
    move |source| StagingError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_found_before_the_first_byte() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::create(&dir.path().join("file")).unwrap();
        staging.check_room(1).unwrap();
        let Err(StagingError::Io { source, .. }) = staging.check_room(u64::MAX) else {
            panic!("no disk is that large");
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_refusal_names_the_folder_and_not_the_staging_file() {
        let dir = tempfile::tempdir().unwrap();
        let refused = Staging::create(&dir.path().join("none/file")).unwrap_err().to_string();
        assert!(refused.ends_with("none: No such file or directory (os error 2)"), "{refused}");
    }

    #[test]
    fn a_staging_file_that_is_dropped_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("n".repeat(255));
        let staging = Staging::create(&target).unwrap();
        assert!(staging.path().exists() && !target.exists());
        drop(staging);
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }
}
