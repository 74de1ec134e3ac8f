//! Files of a file system that may hang, or that does not tell how long a file is.
//!
//! Whatever is done with their descriptors, to close one included, is done on a thread of a
//! bulkhead.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, pread, read, retry_on_intr};
use tokio::runtime::Handle;

use super::bulkhead::Bulkhead;
use super::error::LookupError;

/// So many bytes of a file are read before it is announced. A file with less in it is as long as
/// what was read, whatever it claims. The same bound as for the files of a local disk that are sent
/// in one call with their header.
const READ_FIRST_LEN: u32 = 64 * 1024;

/// At most so many bytes are held in memory of a file whose length is unknown until it is read. The
/// files of `/proc` and `/sys` that a device might be interested in have some kilobytes.
const MAX_CONTENT_LEN: usize = 1024 * 1024;

/// The least room for a read before the length is known, in bytes.
const READ_LEN: usize = 64 * 1024;

/// A file, or all that is in it.
#[derive(Debug)]
pub(super) enum Remote {
    File(RemoteFile),
    Content(Vec<u8>),
}

/// A regular file that is open for reading, as long as it claims to be.
#[derive(Debug)]
pub(in crate::server) struct RemoteFile {
    descriptor: Descriptor,
    /// The length of the file, in bytes, when it was opened: the length to announce (R10).
    pub(in crate::server) len: u32,
    /// The bytes at its front, which were read when it was opened.
    pub(in crate::server) front: Vec<u8>,
}

impl RemoteFile {
    /// Replaces what is in `chunk` by at most `max_len` bytes of the file. Empty: the file has no
    /// bytes at `offset`.
    ///
    /// # Errors
    ///
    /// Those of reading the file, and of [`Bulkhead::run`].
    pub(in crate::server) async fn read(
        &mut self,
        mut chunk: Vec<u8>,
        offset: u64,
        max_len: usize,
    ) -> io::Result<Vec<u8>> {
        let descriptor = self.descriptor.take();
        let (bulkhead, name) = (Arc::clone(&descriptor.bulkhead), Arc::clone(&descriptor.name));
        let reading = move || {
            chunk.resize(max_len, 0);
            let len = descriptor.with(|fd| retry_on_intr(|| pread(fd, &mut chunk, offset)));
            (descriptor, chunk, len)
        };
        let (descriptor, mut chunk, len) = bulkhead.run(&name, None, reading).await?;
        self.descriptor = descriptor;
        chunk.truncate(len?);
        Ok(chunk)
    }
}

/// Takes what an open has returned, on a thread of `bulkhead`. Reads the content where the length
/// that the file claims can't be believed.
///
/// # Errors
///
/// [`LookupError`] if what is open is not a regular file (R8) or too long (R9), or reading failed.
pub(super) fn examine(
    fd: OwnedFd,
    name: Arc<str>,
    bulkhead: Arc<Bulkhead>,
) -> Result<Remote, LookupError> {
    // Whatever becomes of it: to close it may hang as well, and nobody waits for that.
    let descriptor = Descriptor { fd: Some(fd), name, bulkhead };
    let stat = descriptor.with(|fd| fstat(fd))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(LookupError::NotFound("not a regular file (R8)"));
    }
    let len = u32::try_from(stat.st_size)
        .map_err(|_| LookupError::NotFound("longer than 4294967295 bytes (R9)"))?;
    let mut content = Vec::new();
    let first_len = usize::try_from(READ_FIRST_LEN).unwrap_or(usize::MAX);
    let mut is_whole = descriptor.with(|fd| read_on(fd, &mut content, first_len))?;
    if !is_whole && len > READ_FIRST_LEN {
        let last = u64::from(len).saturating_sub(1);
        // A file system that counts blocks has the file somewhere.
        if stat.st_blocks > 0 || descriptor.with(|fd| has_byte_at(fd, last))? {
            content.truncate(usize::try_from(len).unwrap_or(usize::MAX));
            return Ok(Remote::File(RemoteFile { descriptor, len, front: content }));
        }
    }
    if !is_whole {
        is_whole = descriptor.with(|fd| read_on(fd, &mut content, MAX_CONTENT_LEN))?;
    }
    if !is_whole || content.len() > MAX_CONTENT_LEN {
        let reason = "its file system does not tell its length, which is more than 1 MiB";
        return Err(LookupError::NotFound(reason));
    }
    content.shrink_to_fit();
    Ok(Remote::Content(content))
}

/// Reads on until there are more than `len` bytes in `content`. Returns whether it has come to the
/// end, with no regard to the length that the file claims.
fn read_on(fd: &OwnedFd, content: &mut Vec<u8>, len: usize) -> Result<bool, LookupError> {
    while content.len() <= len {
        content.reserve(READ_LEN);
        let read = retry_on_intr(|| read(fd, spare_capacity(content)));
        // An EAGAIN is no lease by now: there is nothing to read, maybe never.
        if read.map_err(|errno| LookupError::Fault(errno.into()))? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_byte_at(fd: &OwnedFd, offset: u64) -> Result<bool, LookupError> {
    let len = retry_on_intr(|| pread(fd, &mut [0], offset));
    Ok(len.map_err(|errno| LookupError::Fault(errno.into()))? > 0)
}

/// A descriptor that is closed on a thread of its bulkhead.
#[derive(Debug)]
struct Descriptor {
    /// `None` once it was taken.
    fd: Option<OwnedFd>,
    name: Arc<str>,
    bulkhead: Arc<Bulkhead>,
}

impl Descriptor {
    fn take(&mut self) -> Self {
        let (name, bulkhead) = (Arc::clone(&self.name), Arc::clone(&self.bulkhead));
        Self { fd: self.fd.take(), name, bulkhead }
    }

    fn with<T, E: From<Errno>>(&self, call: impl FnOnce(&OwnedFd) -> Result<T, E>) -> Result<T, E> {
        self.fd.as_ref().map_or_else(|| Err(Errno::BADF.into()), call)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let Some(fd) = self.fd.take() else { return };
        let (name, bulkhead) = (Arc::clone(&self.name), Arc::clone(&self.bulkhead));
        let closing = async move { bulkhead.run_to_end(&name, move || drop(fd)).await.ok() };
        // Without a runtime the server is gone, and the descriptor is closed here.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(closing);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::mem;
    use std::time::Duration;

    use super::*;

    fn examined(path: &str) -> Result<Remote, LookupError> {
        let fd = File::open(path).unwrap().into();
        examine(fd, path.into(), Bulkhead::new(1, 1, Duration::from_secs(10)))
    }

    fn content(path: &str) -> Vec<u8> {
        match examined(path) {
            Ok(Remote::Content(content)) => content,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_file_that_claims_a_wrong_length_is_as_long_as_what_is_in_it() {
        assert_eq!(content("/proc/sys/kernel/ostype"), b"Linux\n");
        let version = std::fs::read("/proc/version").unwrap();
        assert!(!version.is_empty() && content("/proc/version") == version);
        let text = content("/sys/kernel/uevent_seqnum");
        assert!(text.len() < 4096 && text.ends_with(b"\n"), "{text:?}");
    }

    #[tokio::test]
    async fn a_longer_file_is_read_chunk_by_chunk() {
        let content: Vec<u8> = (0..200_000).map(|at| (at % 251) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&content).unwrap();
        let Ok(Remote::File(mut file)) = examined(file.path().to_str().unwrap()) else {
            panic!("a file that is read first")
        };
        assert_eq!(file.len, 200_000);
        let (mut read, mut chunk) = (mem::take(&mut file.front), Vec::new());
        assert!(!read.is_empty());
        loop {
            chunk = file.read(chunk, read.len() as u64, 70_000).await.unwrap();
            if chunk.is_empty() {
                break;
            }
            read.extend_from_slice(&chunk);
        }
        assert!(read == content, "{} bytes", read.len());
    }
}
