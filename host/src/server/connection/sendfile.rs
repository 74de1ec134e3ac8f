//! From a file to a socket by sendfile(2), which copies no byte through the server's memory.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::sendfile;
use tokio::task::coop;

use super::send::send_or_stall;
use super::send_error::{SendError, is_of_file};
use super::send_window::ReaderRate;
use super::socket::Socket;
use crate::server::file::{OpenFile, ReadAhead};

/// Sends `file` from byte `sent` on, and counts `sent` up. Returns early if the file has become
/// shorter.
///
/// # Errors
///
/// Those of reading the file, and of the connection, as [`send_or_stall`] has them.
pub(super) async fn sendfile_loop(
    file: &Arc<OpenFile>,
    socket: &mut Socket,
    timeout: Duration,
    sent: &mut u32,
) -> Result<(), SendError> {
    let mut read_ahead = ReadAhead::new(Arc::clone(file));
    let mut rate = ReaderRate::new(*sent, Instant::now());
    while *sent < file.len {
        let mut offset = u64::from(*sent);
        // sendfile reads what is not in memory from the disk, and all tasks of the thread wait for
        // it.
        let resident = read_ahead.ensure_resident(offset, rate.chunk_len()).await;
        let max_len = resident.map_err(SendError::File)?;
        let mut file_failed = false;
        let send = |fd: BorrowedFd<'_>, max_len| {
            let moved = sendfile(fd, &file.fd, Some(&mut offset), max_len);
            let len = moved.inspect_err(|errno| file_failed = is_of_file(*errno, fd))?;
            Ok((len, len < max_len && !file.was_truncated()))
        };
        let moved = send_or_stall(socket, timeout, max_len, send).await;
        let side = if file_failed { SendError::File } else { SendError::Connection };
        let len = moved.map_err(side)?;
        if len == 0 {
            break;
        }
        // No more than the file's length, which is a `u32` (R9).
        *sent = sent.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        rate.record(*sent, Instant::now(), socket);
        coop::consume_budget().await;
    }
    Ok(())
}
