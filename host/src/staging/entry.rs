//! What the system tells about a path, in one call.

use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, StatxAttributes, StatxFlags, lstat, stat, statx};
use rustix::io::Errno;

/// A file, folder, link or device at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The type and the mode, as `st_mode` has them.
    mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Empty where the system has no `statx`, or the file system does not tell.
    pub(super) attributes: StatxAttributes,
}

impl Entry {
    /// Looks at what is at `path`; at the end of a link if `follow` says so.
    pub(super) fn at(path: &Path, follow: bool) -> io::Result<Self> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let wanted = StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::UID | StatxFlags::GID;
        match statx(CWD, path, flags, wanted) {
            Ok(found) => Ok(Self {
                mode: found.stx_mode.into(),
                uid: found.stx_uid,
                gid: found.stx_gid,
                attributes: found.stx_attributes,
            }),
            Err(Errno::NOSYS) => {
                let found = if follow { stat(path) } else { lstat(path) }?;
                Ok(Self {
                    mode: found.st_mode,
                    uid: found.st_uid,
                    gid: found.st_gid,
                    attributes: StatxAttributes::empty(),
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// The permission bits, without set-user-ID, set-group-ID and sticky.
    pub(super) fn permissions(&self) -> Mode {
        Mode::from_raw_mode(self.mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO)
    }

    pub(super) fn is_sticky(&self) -> bool {
        Mode::from_raw_mode(self.mode).contains(Mode::SVTX)
    }

    /// Whether nobody may rename it, or over it, or within it (`chattr +a`, `chattr +i`).
    pub(super) fn is_fixed(&self) -> bool {
        self.attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND)
    }
}

/// Returns the folder that a path's last component is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
