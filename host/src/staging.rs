//! The file that becomes the target only when it is whole (R14).
//!
//! Data goes to `.NAME.part-XXXXXX` beside the target, so that the last step is a rename within one
//! folder: whatever happens, the target is the old file or the whole new one. An unfinished staging
//! file is removed when its [`Staging`] is dropped.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::fstatvfs;
use rustix::io::Errno;
use tempfile::NamedTempFile;

/// The most characters of the target's name that the staging file's name repeats. A name may have
/// 255 bytes: 50 characters take at most 200, which leaves room for the prefix and the random
/// suffix.
const MAX_NAME_CHARS: usize = 50;

/// The mode of a new file before the umask is applied, as for every program that makes files.
const NEW_FILE_MODE: u32 = 0o666;

/// What to do with a file that has the target's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfExists {
    /// Keep the file, and fail with [`StagingError::TargetExists`].
    #[default]
    Fail,
    /// Replace the file, atomically. A symbolic link is replaced, not followed.
    Replace,
}

/// An unfinished file beside its target.
///
/// ```
/// use std::io::Write;
/// use fetchlet::{IfExists, Staging};
///
/// # let folder = tempfile::tempdir()?;
/// # let target = folder.path().join("fw.bin");
/// Staging::check(&target, IfExists::Fail)?;
/// let mut staging = Staging::create(&target)?;
/// staging.file().write_all(b"hello")?;
/// staging.sync()?;
/// staging.commit(IfExists::Fail)?;
/// assert_eq!(std::fs::read(&target)?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Staging {
    file: NamedTempFile,
    target: PathBuf,
    synced: bool,
}

/// Why a file did not get to its target. But for [`NotSynced`](Self::NotSynced), what was there
/// before is untouched.
///
/// `Display` does not print the [`source`](std::error::Error::source): print the whole chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StagingError {
    /// The target exists, and [`IfExists::Fail`] was asked for.
    #[error("{} exists", .0.display())]
    TargetExists(PathBuf),
    /// The target is a folder, a device, a pipe or a socket, which is never replaced.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The target's path ends in no name.
    #[error("{} has no file name", .0.display())]
    NoFileName(PathBuf),
    /// The file is at the target, and whole, but a power failure may undo the rename.
    #[error("{} is whole and in place, but its folder could not be synced", .path.display())]
    NotSynced {
        /// The target.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The system refused to create, write or rename the file.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// The action that failed.
        action: &'static str,
        /// The file or folder of the action.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Staging {
    /// Checks whether a download to `target` may end well: worth asking before connecting.
    ///
    /// # Errors
    ///
    /// [`StagingError::TargetExists`], [`StagingError::NotAFile`], [`StagingError::NoFileName`],
    /// and [`StagingError::Io`] if there is no such folder.
    pub fn check(target: impl AsRef<Path>, if_exists: IfExists) -> Result<(), StagingError> {
        let target = target.as_ref();
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
        // Not `exists`: that follows links, and a dangling link is in the way as well.
        let Ok(metadata) = target.symlink_metadata() else {
            return Ok(());
        };
        let kind = metadata.file_type();
        let special = kind.is_char_device() || kind.is_block_device();
        match if_exists {
            _ if kind.is_dir() || special || kind.is_fifo() || kind.is_socket() => {
                Err(StagingError::NotAFile(target.into()))
            }
            IfExists::Fail => Err(StagingError::TargetExists(target.into())),
            IfExists::Replace => Ok(()),
        }
    }

    /// Creates an empty staging file beside `target`, with the mode that a new file would have.
    ///
    /// # Errors
    ///
    /// [`StagingError::NoFileName`], or [`StagingError::Io`] if the folder takes no new file.
    pub fn create(target: impl AsRef<Path>) -> Result<Self, StagingError> {
        let target = target.as_ref();
        let Some(name) = target.file_name() else {
            return Err(StagingError::NoFileName(target.into()));
        };
        let name: String = name.to_string_lossy().chars().take(MAX_NAME_CHARS).collect();
        let folder = folder(target);
        // Opened here, since tempfile's own errors name the staging file, which no user knows.
        let file = tempfile::Builder::new()
            .prefix(&format!(".{name}.part-"))
            .make_in(folder, create_new)
            .map_err(io_error("create a file in", folder))?;
        Ok(Self { file, target: target.into(), synced: false })
    }

    /// Returns the path of the staging file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Returns the file to write the data to.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Checks whether the disk has room for `len` bytes, so that a full disk is found before the
    /// first byte is written.
    ///
    /// # Errors
    ///
    /// [`StagingError::Io`] if there is no room. A file system that can't tell is no error.
    pub fn check_room(&self, len: u64) -> Result<(), StagingError> {
        match fstatvfs(self.file()) {
            Ok(disk) if disk.f_blocks > 0 && disk.f_bavail.saturating_mul(disk.f_frsize) < len => {
                Err(self.not_written(Errno::NOSPC.into()))
            }
            _ => Ok(()),
        }
    }

    /// Returns the error for data that could not be written to [`file`](Self::file), which names
    /// the target.
    pub(crate) fn not_written(&self, source: io::Error) -> StagingError {
        io_error("write", &self.target)(source)
    }

    /// Waits until the data is on the disk. A rename alone may reach the disk earlier than the
    /// data.
    ///
    /// # Errors
    ///
    /// [`StagingError::Io`] if the disk did not take the data.
    pub fn sync(&mut self) -> Result<(), StagingError> {
        self.file().sync_all().map_err(|error| self.not_written(error))?;
        self.synced = true;
        Ok(())
    }

    /// Renames the staging file to the target. After [`sync`](Self::sync), waits until the rename
    /// is on the disk as well.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check), which is made again, [`StagingError::Io`] and
    /// [`StagingError::NotSynced`].
    pub fn commit(self, if_exists: IfExists) -> Result<(), StagingError> {
        let Self { file, target, synced } = self;
        Self::check(&target, if_exists)?;
        let renamed = match if_exists {
            IfExists::Fail => file.persist_noclobber(&target),
            IfExists::Replace => file.persist(&target),
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

fn create_new(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(NEW_FILE_MODE).open(path)
}

/// Makes the rename itself last. Some file systems can't sync a folder, and need not; a folder that
/// may be written but not read can't be opened for that.
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
        let staging = Staging::create(dir.path().join("file")).unwrap();
        staging.check_room(1).unwrap();
        let Err(StagingError::Io { source, .. }) = staging.check_room(u64::MAX) else {
            panic!("no disk is that large");
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_refusal_names_the_folder_and_not_the_staging_file() {
        let dir = tempfile::tempdir().unwrap();
        let refused = Staging::create(dir.path().join("none/file")).unwrap_err();
        assert!(refused.to_string().ends_with("none"), "{refused}");
        let StagingError::Io { source, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(source.to_string(), "No such file or directory (os error 2)");
    }

    #[test]
    fn a_staging_file_that_is_dropped_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["n".repeat(255), "\u{1d11e}".repeat(63)] {
            let target = dir.path().join(name);
            let staging = Staging::create(&target).unwrap();
            assert!(staging.path().exists() && !target.exists());
            drop(staging);
            assert_eq!(dir.path().read_dir().unwrap().count(), 0);
        }
    }
}
