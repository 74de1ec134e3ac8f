//! Why a folder can't be served, and why a name leads to no file.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// Why [`Root::open`](super::root::Root::open) can't serve a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// The path leads to nothing.
    #[error("the folder to serve, {}, does not exist", path.display())]
    Missing {
        /// As given to [`Root::open`](super::root::Root::open).
        path: PathBuf,
    },
    /// The path leads to something that is not a folder.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// As given to [`Root::open`](super::root::Root::open).
        path: PathBuf,
    },
    /// The folder can't be opened, or no file in it could be.
    #[error("the folder to serve, {}, can't be opened", path.display())]
    Io {
        /// As given to [`Root::open`](super::root::Root::open).
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

/// Why a name leads to no file (R8).
#[derive(Debug)]
pub(in crate::server) enum LookupError {
    /// The name leads to no file that may be served. The reason is for the log alone.
    NotFound(&'static str),
    /// Not now: a lease is in the way, or somebody renames without end. May pass.
    Busy,
    /// The server could not find out.
    Fault(io::Error),
}

impl From<Errno> for LookupError {
    /// Tells whether the name is at fault or the server.
    fn from(errno: Errno) -> Self {
        Self::NotFound(match errno {
            Errno::NOENT => "no such file",
            Errno::NOTDIR => "a file or link where the name has a folder",
            Errno::LOOP => "a symbolic link in the name",
            Errno::XDEV => "a symbolic link that leaves the folder",
            Errno::ACCESS | Errno::PERM => "no permission",
            Errno::NAMETOOLONG => "a component is too long for the file system",
            Errno::INVAL | Errno::ILSEQ => "a name the file system does not allow",
            Errno::NXIO | Errno::NODEV | Errno::ISDIR => "not a regular file (R8)",
            Errno::AGAIN => return Self::Busy,
            _ => return Self::Fault(errno.into()),
        })
    }
}

impl From<io::Error> for LookupError {
    fn from(error: io::Error) -> Self {
        Self::Fault(error)
    }
}
