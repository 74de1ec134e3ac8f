//! A file that is open for a response.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;

use super::error::LookupError;

/// How files are opened. Not blocking: to open a pipe would else wait for a writer.
pub(super) const OPEN_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// A regular file that is open for reading.
#[derive(Debug)]
pub(in crate::server) struct OpenFile {
    pub(in crate::server) fd: OwnedFd,
    /// The length of the file, in bytes, when it was opened: the length to announce (R10).
    pub(in crate::server) len: u32,
}

impl OpenFile {
    /// Takes what an open has returned.
    ///
    /// # Errors
    ///
    /// [`LookupError`] if the open failed, or what is open is not a regular file (R8) or too long
    /// (R9).
    pub(super) fn new(opened: Result<OwnedFd, Errno>) -> Result<Self, LookupError> {
        let fd = opened?;
        let stat = fstat(&fd)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(LookupError::NotFound("not a regular file (R8)"));
        }
        let len = u32::try_from(stat.st_size)
            .map_err(|_| LookupError::NotFound("longer than 4294967295 bytes (R9)"))?;
        Ok(Self { fd, len })
    }

    /// Whether the file has become shorter than [`len`](Self::len).
    pub(in crate::server) fn was_truncated(&self) -> bool {
        fstat(&self.fd).is_ok_and(|stat| stat.st_size < self.len.into())
    }
}
