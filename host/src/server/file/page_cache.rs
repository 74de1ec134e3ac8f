//! Reading without waiting for the disk, and waiting for the disk elsewhere.
//!
//! One `sendfile` of a file that is not in memory would hold up all tasks of its thread, for tens
//! of milliseconds. So the kernel is asked first whether it has the bytes (`RWF_NOWAIT`, 0.4 µs),
//! and if it has not, a thread of the runtime's blocking pool waits for them.

use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::sync::Arc;

use rustix::fs::{Advice, fadvise, fstatfs};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2, retry_on_intr};
use tokio::task::{JoinHandle, spawn_blocking};

use super::open_file::OpenFile;

/// How many bytes of a file are brought to memory at a time. A disk of 1.8 GB/s takes 0.6 ms for
/// them, much longer than it takes to hand the work to another thread.
const PREFETCH_LEN: u64 = 1024 * 1024;

/// The step between the single bytes that a prefetch reads. With the default read-ahead of 128 KiB
/// (`read_ahead_kb`) each read brings all bytes up to the next; with a smaller one `sendfile` reads
/// the rest.
const PREFETCH_STRIDE: usize = 64 * 1024;

/// `f_type` of a tmpfs: statfs(2), and `linux/magic.h`.
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// How far a file is in memory that is sent from its front to its end.
#[derive(Debug)]
pub(in crate::server) struct ReadAhead {
    file: Arc<OpenFile>,
    /// The bytes before this offset were in memory a moment ago.
    resident_until: u64,
    /// The prefetch of what comes next, of a file that was not in memory.
    in_flight: Option<JoinHandle<io::Result<u64>>>,
}

impl ReadAhead {
    pub(in crate::server) const fn new(file: Arc<OpenFile>) -> Self {
        Self { file, resident_until: 0, in_flight: None }
    }

    /// Makes sure that the next bytes at `offset` are in memory, and returns how many: at most
    /// `max_len`. Waits for the disk only if they are not.
    ///
    /// # Errors
    ///
    /// Those of reading the file.
    pub(in crate::server) async fn ensure_resident(
        &mut self,
        offset: u64,
        max_len: usize,
    ) -> io::Result<usize> {
        let end = offset.saturating_add(u64::try_from(max_len).unwrap_or(u64::MAX));
        let end = end.min(self.file.len.into());
        if offset >= self.resident_until {
            self.advance(offset, end).await?;
        }
        let resident = self.resident_until.min(end).saturating_sub(offset);
        Ok(usize::try_from(resident).unwrap_or(usize::MAX))
    }

    async fn advance(&mut self, offset: u64, end: u64) -> io::Result<()> {
        let in_flight = match self.in_flight.take() {
            Some(in_flight) => in_flight,
            // The last byte tells for all of the range, since the kernel reads and evicts larger
            // pieces.
            None if is_resident(&self.file, end.saturating_sub(1)) => {
                self.resident_until = end;
                return Ok(());
            }
            None => prefetch(&self.file, offset),
        };
        self.resident_until = in_flight.await??;
        // If the next range is not in memory either, it is read while this one is sent. One missing
        // range alone does not mean that the rest of the file is missing.
        let next_end = self.resident_until.saturating_add(PREFETCH_LEN).min(self.file.len.into());
        if self.resident_until < next_end && !is_resident(&self.file, next_end.saturating_sub(1)) {
            self.in_flight = Some(prefetch(&self.file, self.resident_until));
        }
        Ok(())
    }
}

/// Whether the byte at `offset` can be read without waiting. Past the end there is nothing to wait
/// for.
fn is_resident(file: &OpenFile, offset: u64) -> bool {
    read_resident(file, &mut [0], offset).is_some()
}

/// Reads the bytes at `offset` that are in memory, as many as fit. `None`: none can be read without
/// waiting.
///
/// Some file systems (overlayfs, NFS, FUSE) can't tell; there the blocking pool does all reading.
pub(super) fn read_resident(file: &OpenFile, buffer: &mut [u8], offset: u64) -> Option<usize> {
    let mut buffers = [IoSliceMut::new(&mut *buffer)];
    match preadv2(&file.fd, &mut buffers, offset, ReadWriteFlags::NOWAIT) {
        Err(Errno::OPNOTSUPP) if is_on_tmpfs(file) => pread(&file.fd, buffer, offset).ok(),
        read => read.ok(),
    }
}

/// Reads bytes at `offset` that a prefetch has just brought to memory. Hardly ever waits, also
/// where the file system can't tell.
pub(super) fn read_prefetched(file: &OpenFile, buffer: &mut [u8], offset: u64) -> Option<usize> {
    pread(&file.fd, buffer, offset).ok()
}

/// Whether the file is on a tmpfs, which keeps files in memory only.
fn is_on_tmpfs(file: &OpenFile) -> bool {
    fstatfs(&file.fd).is_ok_and(|stat| stat.f_type == TMPFS_MAGIC)
}

/// Brings the [`PREFETCH_LEN`] bytes at `offset` to memory, or those up to the file's end, on the
/// blocking pool. Returns the offset where they end.
pub(super) fn prefetch(file: &Arc<OpenFile>, offset: u64) -> JoinHandle<io::Result<u64>> {
    let file = Arc::clone(file);
    spawn_blocking(move || {
        // Only to save time: the reads below bring the same bytes.
        fadvise(&file.fd, offset, NonZeroU64::new(PREFETCH_LEN), Advice::WillNeed).ok();
        let end = offset.saturating_add(PREFETCH_LEN).min(file.len.into());
        let last = end.checked_sub(1).filter(|last| *last > offset);
        for at in (offset..end).step_by(PREFETCH_STRIDE).chain(last) {
            retry_on_intr(|| pread(&file.fd, &mut [0], at))?;
        }
        Ok(end)
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    /// A file that the page cache holds nothing of, unless this folder is a tmpfs.
    fn evicted(len: u32) -> Arc<OpenFile> {
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.write_all(&vec![7; len as usize]).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        Arc::new(OpenFile { fd: File::into(file), len })
    }

    #[tokio::test]
    async fn what_is_not_in_memory_is_told_and_brought_there() {
        let file = evicted(3 << 20);
        let window = usize::try_from(PREFETCH_LEN).unwrap();
        for offset in [0, PREFETCH_LEN, 2 * PREFETCH_LEN] {
            prefetch(&file, offset).await.unwrap().unwrap();
            let mut data = vec![0; window];
            assert_eq!(read_resident(&file, &mut data, offset), Some(window), "at {offset}");
            assert!(data.iter().all(|byte| *byte == 7));
        }
        let file = evicted(3 << 20);
        let here = is_on_tmpfs(&file);
        assert_eq!(is_resident(&file, 0), here, "it was evicted, and nothing has read it since");
    }

    #[test]
    fn what_is_in_memory_only_is_never_waited_for() {
        let file = tempfile::tempfile_in("/dev/shm").unwrap();
        let file = OpenFile { fd: File::into(file), len: 0 };
        assert!(is_on_tmpfs(&file) && is_resident(&file, 0));
    }

    #[tokio::test]
    async fn the_end_of_a_file_is_waited_for_by_nobody() {
        let file = evicted(100);
        for offset in [0, 5 * PREFETCH_LEN] {
            assert_eq!(prefetch(&file, offset).await.unwrap().unwrap(), 100);
        }
        assert_eq!(read_resident(&file, &mut [0; 200], 0), Some(100));
        assert_eq!(read_resident(&file, &mut [0; 200], 100), Some(0));
        assert!(is_resident(&file, 100));
    }
}
