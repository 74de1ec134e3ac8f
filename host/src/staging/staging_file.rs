//! A staging file, from its creation to the rename that makes it the target.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::access_rights;
use super::close::{close, flush};
use super::entry::{Entry, folder};
use super::error::StagingError;
use super::free_space;
use super::rename::Renaming;
use super::target::{IfExists, check, replaced};

/// The most characters of the target's name that the staging file's name repeats. A name may have
/// 255 bytes: 50 characters take at most 200, which leaves room for the prefix and the random
/// suffix.
const MAX_NAME_CHARS: usize = 50;

/// The mode of a new file before the umask is applied, as for every program that makes files.
const NEW_FILE_MODE: u32 = 0o666;

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
    /// How the target's folder renames, as was found out.
    renaming: Renaming,
    /// The file at the target whose access rights `file` was given.
    like: Option<Entry>,
    synced: bool,
}

impl Staging {
    /// Checks whether a download to `target` may end well: worth asking before connecting.
    ///
    /// # Errors
    ///
    /// [`StagingError::TargetExists`], [`StagingError::NotAFile`],
    /// [`StagingError::NotReplaceable`], [`StagingError::NoFileName`], [`StagingError::NoFolder`],
    /// and [`StagingError::Io`] if the folder takes no new file.
    pub fn check(target: impl AsRef<Path>, if_exists: IfExists) -> Result<(), StagingError> {
        check(target.as_ref(), if_exists)
    }

    /// Creates an empty staging file beside `target`, with the mode that a new file would have, or
    /// with the access rights of the file that is there already ([`IfExists::Replace`]).
    ///
    /// # Errors
    ///
    /// [`StagingError::NoFileName`], or [`StagingError::Io`] if the folder takes no new file, or
    /// its file system can't rename files.
    pub fn create(target: impl AsRef<Path>) -> Result<Self, StagingError> {
        let target = target.as_ref();
        let Some(name) = target.file_name() else {
            return Err(StagingError::NoFileName(target.into()));
        };
        let name: String = name.to_string_lossy().chars().take(MAX_NAME_CHARS).collect();
        let like = Entry::at(target, false).ok();
        let like = like.filter(|it| it.file_type() == FileType::RegularFile);
        let mode = like.map_or(NEW_FILE_MODE, |it| it.permissions().bits());
        let (mut renaming, mut action) = (Renaming::Replacing, "create a file in");
        let file = tempfile::Builder::new().prefix(&format!(".{name}.part-")).make_in(
            folder(target),
            |path| {
                let first = path.with_added_extension("new");
                // Opened here, since tempfile's own errors name the staging file, which no user
                // knows.
                let file = create_new(&first, mode)?;
                let found = Renaming::find_out(&first, path).inspect_err(|_| {
                    action = "rename a file in";
                    fs::remove_file(&first).ok();
                });
                renaming = found?;
                Ok(file)
            },
        );
        let file = file.map_err(StagingError::io(action, folder(target)))?;
        let staging = Self { file, target: target.into(), renaming, like, synced: false };
        staging.keep_access_rights(like)?;
        Ok(staging)
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
    /// [`StagingError::Io`] if there is no room. A file system that can't tell, or that may need
    /// fewer bytes than are written, is no error.
    pub fn check_room(&self, len: u64) -> Result<(), StagingError> {
        free_space::check(self.file(), len).map_err(|error| self.not_written(error.into()))
    }

    /// Returns the error for data that could not be written to [`file`](Self::file), which names
    /// the target.
    pub(crate) fn not_written(&self, source: io::Error) -> StagingError {
        StagingError::io("write", &self.target)(source)
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

    /// Asks the file system whether it took all that was written: NFS, FUSE and quotas may answer
    /// only then. Waits for no disk.
    ///
    /// # Errors
    ///
    /// [`StagingError::Io`] if it did not.
    pub fn flush(&self) -> Result<(), StagingError> {
        flush(self.file()).map_err(|error| self.not_written(error))
    }

    /// Closes the staging file and renames it to the target. After [`sync`](Self::sync), waits
    /// until the rename is on the disk as well.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check), which is made again, [`StagingError::Io`], also for an error
    /// that comes at the close, and [`StagingError::NotSynced`].
    pub fn commit(self, if_exists: IfExists) -> Result<(), StagingError> {
        let replaced = replaced(&self.target, if_exists)?;
        if replaced != self.like {
            self.keep_access_rights(replaced)?;
        }
        let Self { file, target, renaming, synced, .. } = self;
        let (file, mut path) = file.into_parts();
        close(file).map_err(StagingError::io("write", &target))?;
        let renamed = match if_exists {
            IfExists::Fail => renaming.rename_to_new(&path, &target),
            IfExists::Replace => fs::rename(&path, &target),
        };
        match renamed {
            Ok(()) => path.disable_cleanup(true),
            Err(refused) if refused.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StagingError::TargetExists(target));
            }
            Err(refused) => {
                return Err(StagingError::io("rename the finished file to", &target)(refused));
            }
        }
        let lasts = if synced { sync_folder(folder(&target)) } else { Ok(()) };
        lasts.map_err(|source| StagingError::NotSynced { path: target, source })
    }

    fn keep_access_rights(&self, replaced: Option<Entry>) -> Result<(), StagingError> {
        let Some(replaced) = replaced else { return Ok(()) };
        let kept = access_rights::keep(self.file(), &replaced, &self.target);
        kept.map_err(StagingError::io("give its permissions to the new", &self.target))
    }
}

fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(mode).open(path)
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

#[cfg(test)]
mod tests {
    use super::*;

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
