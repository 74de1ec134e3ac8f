//! Whether a download to a path may end well: asked before it begins, and again at its end.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, FileType, StatxAttributes, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities};

use super::entry::{Entry, folder};
use super::error::StagingError;
use super::target_kind::TargetKind;

/// What to do with a file that has the target's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfExists {
    /// Keep the file, and fail with [`StagingError::TargetExists`].
    #[default]
    Fail,
    /// Replace the file, atomically, and keep its permissions, its access control list and, where
    /// the system allows, its owner and group. A symbolic link is replaced, not followed.
    Replace,
}

/// Checks all that can be known of a target, and whether its folder takes new files.
pub(super) fn check(target: &Path, if_exists: IfExists) -> Result<(), StagingError> {
    replaced(target, if_exists)?;
    let folder = folder(target);
    match accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Err(error @ (Errno::ACCESS | Errno::ROFS)) => {
            Err(StagingError::io("write to", folder)(error))
        }
        // The kernel is too old to be asked, or the file system does not know.
        _ => Ok(()),
    }
}

/// Returns the regular file that a download to `target` would replace, if there is one. Fails if
/// such a download can't succeed.
pub(super) fn replaced(target: &Path, if_exists: IfExists) -> Result<Option<Entry>, StagingError> {
    if target.file_name().is_none() || target.as_os_str().as_bytes().ends_with(b"/") {
        return Err(StagingError::NoFileName(target.into()));
    }
    let folder = usable_folder(target)?;
    // Not through links: one that leads to nothing is in the way as well.
    let existing = match Entry::at(target, false) {
        Ok(existing) => existing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StagingError::io("write to", target)(error)),
    };
    let kind = match existing.file_type() {
        FileType::Symlink => TargetKind::of(target),
        file_type => TargetKind::of_type(file_type),
    };
    match (kind, if_exists) {
        (TargetKind::File, IfExists::Replace) => {}
        (TargetKind::File, IfExists::Fail) => {
            return Err(StagingError::TargetExists(target.into()));
        }
        _ => return Err(StagingError::NotAFile(target.into())),
    }
    if let Some(reason) = irreplaceable(&existing, &folder) {
        return Err(StagingError::NotReplaceable { path: target.into(), reason });
    }
    Ok((existing.file_type() == FileType::RegularFile).then_some(existing))
}

/// Returns the target's folder, unless it is none or can't change.
fn usable_folder(target: &Path) -> Result<Entry, StagingError> {
    let path = folder(target);
    match Entry::at(path, true) {
        Ok(folder) if folder.file_type() != FileType::Directory => {
            Err(StagingError::io("write to", path)(io::ErrorKind::NotADirectory))
        }
        // Of one that only grows, no file could be renamed.
        Ok(folder) if folder.is_fixed() => Err(StagingError::io("write to", path)(Errno::PERM)),
        Ok(folder) => Ok(folder),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(StagingError::NoFolder(path.into()))
        }
        Err(error) => Err(StagingError::io("write to", path)(error)),
    }
}

/// Returns what forbids to rename another file over `existing`: rename(2), EBUSY and EPERM.
fn irreplaceable(existing: &Entry, folder: &Entry) -> Option<&'static str> {
    if existing.attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Some("it is a mount point");
    }
    if existing.is_fixed() {
        return Some("it is immutable or append-only (lsattr shows it)");
    }
    if !folder.is_sticky() {
        return None;
    }
    let user = geteuid().as_raw();
    let own = [existing.uid, folder.uid].contains(&user);
    // Who may act as any owner may here; where that can't be known, the rename will tell.
    let as_owner =
        || capabilities(None).is_ok_and(|it| !it.effective.contains(CapabilitySet::FOWNER));
    (!own && as_owner()).then_some("it is another user's, in a folder with the sticky bit")
}
