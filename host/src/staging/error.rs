//! Every way a file can fail to get to its target.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file did not get to its target. But for [`NotSynced`](Self::NotSynced), what was there
/// before is untouched.
///
/// `Display` does not print the [`source`](std::error::Error::source): print the whole chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StagingError {
    /// The target exists, and [`IfExists::Fail`](crate::IfExists::Fail) was asked for.
    #[error("{} exists", .0.display())]
    TargetExists(PathBuf),
    /// The target is a folder, a device, a pipe, a socket or a descriptor, or a link to one, which
    /// is never replaced.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The target is a file that no rename can replace.
    #[error("cannot replace {}: {reason}", .path.display())]
    NotReplaceable {
        /// The target.
        path: PathBuf,
        /// The reason, in words.
        reason: &'static str,
    },
    /// The target's path ends in no name.
    #[error("{} has no file name", .0.display())]
    NoFileName(PathBuf),
    /// There is no such folder to put the target in.
    #[error("the folder {} does not exist", .0.display())]
    NoFolder(PathBuf),
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

impl StagingError {
    /// Returns a function that makes the error of the system's refusal to do `action` with `path`.
    pub(super) fn io<E: Into<io::Error>>(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source: source.into() }
    }
}
