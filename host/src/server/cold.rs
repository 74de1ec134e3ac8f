//! What may have to wait for the disk: done on the runtime's blocking pool, and only then.
//!
//! Whether it may is asked first, which takes 0.4 µs: the kernel opens by what it has in memory
//! (`RESOLVE_CACHED`), and reads without waiting (`RWF_NOWAIT`). One `sendfile` of a file that is not in
//! memory would hold up everyone on the same thread, for tens of milliseconds.

use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::sync::Arc;

use rustix::fs::{Advice, fadvise, fstatfs};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2, retry_on_intr};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Shared;
use super::root::{Opened, Refusal};

/// How much of a file is brought to memory at a time.
const WINDOW: u64 = 1024 * 1024;

/// How far apart the bytes are that are waited for: the system reads no less at once.
const STRIDE: usize = 64 * 1024;

/// [`Root::file`](super::root::Root::file), on the pool.
pub(super) async fn open(shared: &Arc<Shared>, name: Arc<str>) -> Result<Opened, Refusal> {
    let shared = Arc::clone(shared);
    let opened = spawn_blocking(move || shared.root.file(&name));
    // Boxed: its room is not needed by a connection that is idle.
    Box::pin(opened).await.unwrap_or_else(|panic| Err(Refusal::Fault(panic.into())))
}

/// Reads as much as fits at an offset; `None`: not now.
pub(super) type Read = fn(&Opened, &mut [u8], u64) -> Option<usize>;

/// How far a file is in memory that is sent from its front to its end.
#[derive(Debug)]
pub(super) struct Ahead {
    file: Arc<Opened>,
    /// All before it has been in memory a moment ago.
    until: u64,
    /// What comes after it, once some of the file was not.
    coming: Option<JoinHandle<io::Result<u64>>>,
}

impl Ahead {
    pub(super) const fn new(file: Arc<Opened>) -> Self {
        Self { file, until: 0, coming: None }
    }

    /// Has what comes at `offset` in memory, and says how many bytes of it, at most `most`. Waits for the
    /// disk only if it has to.
    pub(super) async fn reach(&mut self, offset: u64, most: usize) -> io::Result<usize> {
        let end = offset.saturating_add(u64::try_from(most).unwrap_or(u64::MAX));
        let end = end.min(self.file.len.into());
        if offset >= self.until {
            self.advance(offset, end).await?;
        }
        let reached = self.until.min(end).saturating_sub(offset);
        Ok(usize::try_from(reached).unwrap_or(usize::MAX))
    }

    async fn advance(&mut self, offset: u64, end: u64) -> io::Result<()> {
        let coming = match self.coming.take() {
            Some(coming) => coming,
            // The last byte tells for all of them: files are read, and forgotten, in larger pieces.
            None if is_resident(&self.file, end.saturating_sub(1)) => {
                self.until = end;
                return Ok(());
            }
            None => warm(&self.file, offset),
        };
        self.until = coming.await??;
        // The next part is read while this one is sent, if it is not there: one that is missing does not
        // make a file cold.
        let next = self.until.saturating_add(WINDOW).min(self.file.len.into());
        if self.until < next && !is_resident(&self.file, next.saturating_sub(1)) {
            self.coming = Some(warm(&self.file, self.until));
        }
        Ok(())
    }
}

/// Whether the byte at `offset` can be read without waiting; there being none is no reason to wait.
fn is_resident(file: &Opened, offset: u64) -> bool {
    read_resident(file, &mut [0], offset).is_some()
}

/// Reads what can be read at `offset` without waiting, as much as fits; `None`: nothing can.
///
/// Where the file system can't tell (overlayfs, NFS, FUSE), nothing can, and the pool does all reading.
pub(super) fn read_resident(file: &Opened, buffer: &mut [u8], offset: u64) -> Option<usize> {
    let mut buffers = [IoSliceMut::new(&mut *buffer)];
    match preadv2(&file.file, &mut buffers, offset, ReadWriteFlags::NOWAIT) {
        Err(Errno::OPNOTSUPP) if lives_in_memory(file) => pread(&file.file, buffer, offset).ok(),
        read => read.ok(),
    }
}

/// The same for what was brought to memory a moment ago: it hardly waits, also where that can't be told.
pub(super) fn read_warmed(file: &Opened, buffer: &mut [u8], offset: u64) -> Option<usize> {
    pread(&file.file, buffer, offset).ok()
}

/// tmpfs has no other place for its files.
fn lives_in_memory(file: &Opened) -> bool {
    fstatfs(&file.file).is_ok_and(|it| it.f_type == 0x0102_1994)
}

/// Brings the [`WINDOW`] at `offset` to memory, on the pool; where it ends.
pub(super) fn warm(file: &Arc<Opened>, offset: u64) -> JoinHandle<io::Result<u64>> {
    let file = Arc::clone(file);
    spawn_blocking(move || {
        // Only for the sake of time: without it, reading brings the same.
        fadvise(&file.file, offset, NonZeroU64::new(WINDOW), Advice::WillNeed).ok();
        let end = offset.saturating_add(WINDOW);
        for at in (offset..end).step_by(STRIDE).chain([end.saturating_sub(1)]) {
            retry_on_intr(|| pread(&file.file, &mut [0], at))?;
        }
        Ok(end)
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    /// As if never read, unless this folder is in memory only.
    fn forgotten(len: u32) -> Arc<Opened> {
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.write_all(&vec![7; len as usize]).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        Arc::new(Opened { file: File::into(file), len })
    }

    #[tokio::test]
    async fn what_is_not_in_memory_is_told_and_brought_there() {
        let file = forgotten(3 << 20);
        let window = usize::try_from(WINDOW).unwrap();
        for offset in [0, WINDOW, 2 * WINDOW] {
            warm(&file, offset).await.unwrap().unwrap();
            let mut data = vec![0; window];
            assert_eq!(read_resident(&file, &mut data, offset), Some(window), "at {offset}");
            assert!(data.iter().all(|byte| *byte == 7));
        }
        let file = forgotten(3 << 20);
        let here = lives_in_memory(&file);
        assert_eq!(is_resident(&file, 0), here, "it was forgotten, and nothing has read it since");
    }

    #[test]
    fn what_is_in_memory_only_is_never_waited_for() {
        let file = tempfile::tempfile_in("/dev/shm").unwrap();
        let file = Opened { file: File::into(file), len: 0 };
        assert!(lives_in_memory(&file) && is_resident(&file, 0));
    }

    #[tokio::test]
    async fn the_end_of_a_file_is_waited_for_by_nobody() {
        let file = forgotten(100);
        warm(&file, 0).await.unwrap().unwrap();
        warm(&file, 5 * WINDOW).await.unwrap().unwrap();
        assert_eq!(read_resident(&file, &mut [0; 200], 0), Some(100));
        assert_eq!(read_resident(&file, &mut [0; 200], 100), Some(0));
        assert!(is_resident(&file, 100));
    }
}
