//! From a file to a socket by sendfile(2), which copies no byte through the server's memory.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::sendfile;
use tokio::task::coop;

use super::send::send_or_stall;
use super::send_window::ReaderRate;
use super::socket::Socket;
use crate::server::file::{OpenFile, ReadAhead};

/// Sends `file` from byte `sent` on, and counts `sent` up. Returns early if the file has become
/// shorter.
///
/// # Errors
///
/// As [`send_or_stall`], and those of reading the file.
pub(super) async fn sendfile_loop(
    file: &Arc<OpenFile>,
    socket: &mut Socket,
    timeout: Duration,
    sent: &mut u32,
) -> io::Result<()> {
    let mut read_ahead = ReadAhead::new(Arc::clone(file));
    let mut rate = ReaderRate::new(*sent, Instant::now());
    while *sent < file.len {
        let mut offset = u64::from(*sent);
        // sendfile reads what is not in memory from the disk, and all tasks of the thread wait for
        // it.
        let max_len = read_ahead.ensure_resident(offset, rate.chunk_len()).await?;
        let send = |fd: BorrowedFd<'_>, max_len| {
            let len = sendfile(fd, &file.fd, Some(&mut offset), max_len)?;
            Ok((len, len < max_len && !file.was_truncated()))
        };
        let len = send_or_stall(socket, timeout, max_len, send).await?;
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
