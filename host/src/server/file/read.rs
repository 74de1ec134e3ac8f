//! Reading a file into memory, without holding up other tasks.

use std::io;
use std::sync::Arc;

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
    let mut whole = vec![0; len];
    let (start, mut room) = whole.split_at_mut_checked(header.len())?;
    start.copy_from_slice(header);
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
