//! Reading a file into memory, without holding up other tasks.

use std::io;
use std::sync::Arc;

use rustix::io::{pread, retry_on_intr};
use tokio::task::spawn_blocking;

use super::open_file::OpenFile;
use super::page_cache::{prefetch, read_prefetched, read_resident};

/// Reads what can be read at an offset, as much as fits. `None`: nothing, for now.
type Read = fn(&OpenFile, &mut [u8], u64) -> Option<usize>;

/// Reads a small file, and puts `header` before its bytes. Returns fewer bytes if the file has
/// become shorter.
///
/// # Errors
///
/// Those of reading the file.
pub(in crate::server) async fn read_whole(
    file: &Arc<OpenFile>,
    header: &[u8],
) -> io::Result<Vec<u8>> {
    if let Some(whole) = try_read_whole(file, header, read_resident) {
        return Ok(whole);
    }
    prefetch(file, 0).await??;
    Ok(try_read_whole(file, header, read_prefetched).unwrap_or_default())
}

/// `None`: some of the file can't be read for now.
fn try_read_whole(file: &OpenFile, header: &[u8], read: Read) -> Option<Vec<u8>> {
    let len = header.len().saturating_add(usize::try_from(file.len).ok()?);
    // Not `vec![0; len]`, which is calloc(3): that of glibc 2.36 has no use for the blocks that its
    // thread has freed just before.
    let mut whole = Vec::with_capacity(len);
    whole.extend_from_slice(header);
    whole.resize(len, 0);
    let mut room = whole.get_mut(header.len()..)?;
    let mut offset: u64 = 0;
    while !room.is_empty() {
        let read = read(file, room, offset)?;
        if read == 0 {
            let missing = room.len();
            whole.truncate(len.saturating_sub(missing));
            break;
        }
        room = room.get_mut(read..)?;
        offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    Some(whole)
}

/// Replaces what is in `chunk` by at most `max_len` bytes of a file: here if they are in memory,
/// else on the blocking pool, which waits for the disk. Empty: the file has no bytes at `offset`.
///
/// # Errors
///
/// Those of reading the file.
pub(in crate::server) async fn read_chunk(
    file: &Arc<OpenFile>,
    mut chunk: Vec<u8>,
    offset: u64,
    max_len: usize,
) -> io::Result<Vec<u8>> {
    chunk.resize(max_len, 0);
    if let Some(len) = read_resident(file, &mut chunk, offset) {
        chunk.truncate(len);
        return Ok(chunk);
    }
    let file = Arc::clone(file);
    let reading = spawn_blocking(move || {
        let len = retry_on_intr(|| pread(&file.fd, &mut chunk, offset))?;
        chunk.truncate(len);
        Ok(chunk)
    });
    reading.await?
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use rustix::fs::{Advice, fadvise};

    use super::*;

    #[tokio::test]
    async fn chunks_are_the_bytes_of_the_file_whether_in_memory_or_not() {
        let content: Vec<u8> = (0..300_000).map(|at| (at % 251) as u8).collect();
        // Not in a temporary folder, which may be in memory only.
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.write_all(&content).unwrap();
        file.sync_all().unwrap();
        let file = Arc::new(OpenFile { fd: File::into(file), len: 300_000 });
        for evict in [true, false] {
            let (mut read, mut chunk) = (Vec::new(), vec![9; 7]);
            loop {
                if evict {
                    fadvise(&file.fd, 0, None, Advice::DontNeed).unwrap();
                }
                chunk = read_chunk(&file, chunk, read.len() as u64, 70_000).await.unwrap();
                if chunk.is_empty() {
                    break;
                }
                read.extend_from_slice(&chunk);
            }
            assert!(read == content, "evict: {evict}, {} bytes", read.len());
        }
    }
}
