//! Sending to a peer that may be slow, with progress as the only condition (R15).

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::time;

use super::socket::Socket;

/// How many bytes are offered to a socket that is not writable, to learn whether its peer takes
/// any. The kernel tells that a socket is writable only once half of what waits in it has left; for
/// a few kilobytes it has room much earlier.
const STALL_CHECK_LEN: usize = 4 * 1024;

/// How often within the timeout the server offers [`STALL_CHECK_LEN`] bytes. A peer that takes some
/// is seen an eighth of the timeout later at most. More checks would find a stall no earlier, which
/// takes the whole timeout, and each is one system call.
const STALL_CHECKS: u32 = 8;

/// Sends up to `max_len` bytes by `send`, and returns how many bytes the socket took.
///
/// `send` takes a length, and returns how many bytes the socket took and whether the socket is full
/// now.
///
/// Waits for the socket to be writable in [`STALL_CHECKS`] slices of `timeout`. After each slice in
/// which the socket took nothing, it offers [`STALL_CHECK_LEN`] bytes: a healthy device on a slow
/// link may need longer than `timeout` to empty half a send buffer.
///
/// # Errors
///
/// [`TIMEDOUT`](Errno::TIMEDOUT) if the socket took nothing for `timeout` (R15), else those of
/// `send`.
pub(super) async fn send_or_stall(
    socket: &mut Socket,
    timeout: Duration,
    max_len: usize,
    mut send: impl FnMut(BorrowedFd<'_>, usize) -> Result<(usize, bool), Errno>,
) -> io::Result<usize> {
    for _ in 0..STALL_CHECKS {
        let mut taken: usize = 0;
        let sending = socket.io(Interest::WRITABLE, |fd| {
            let (sent, is_full) = send(fd, max_len.saturating_sub(taken))?;
            taken = taken.saturating_add(sent);
            // To offer a full socket more would only cost a call.
            if sent > 0 && is_full { Err(Errno::AGAIN) } else { Ok(()) }
        });
        match time::timeout(timeout / STALL_CHECKS, sending).await {
            // If there was an error as well, the next call returns it again.
            _ if taken > 0 => return Ok(taken),
            Ok(ended) => return ended.map(|()| taken),
            Err(_) => {}
        }
        match socket.try_now(|fd| send(fd, max_len.min(STALL_CHECK_LEN))) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent.map(|(sent, _)| sent),
        }
    }
    Err(Errno::TIMEDOUT.into())
}

/// Sends all `bytes`, which are few: as the first of a connection they all but always fit.
///
/// # Errors
///
/// As [`send_or_stall`].
pub(super) async fn send_all(
    socket: &mut Socket,
    bytes: &[u8],
    timeout: Duration,
    flags: SendFlags,
) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        let sent = send_some(socket, left, timeout, flags).await?;
        left = left.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// Sends some of `bytes`, at least one, and returns how many.
///
/// # Errors
///
/// As [`send_or_stall`].
pub(super) async fn send_some(
    socket: &mut Socket,
    bytes: &[u8],
    timeout: Duration,
    flags: SendFlags,
) -> io::Result<usize> {
    let flags = flags | SendFlags::NOSIGNAL;
    let send = |fd: BorrowedFd<'_>| rustix::net::send(fd, bytes, flags);
    match socket.try_now(send) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            // A length of 1: one success is enough. Boxed: what need not wait shall not hold the
            // memory.
            Box::pin(send_or_stall(socket, timeout, 1, |fd, _| Ok((send(fd)?, false)))).await
        }
        sent => sent,
    }
}
