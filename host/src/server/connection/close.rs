//! The close, which must not destroy the response (R7).
//!
//! TCP resets a connection that is closed with bytes unread, or that gets bytes after its close. A
//! reset destroys what the peer has not read yet.

use std::time::Duration;

use rustix::net::Shutdown as ShutdownSide;
use tokio::io::Interest;
use tokio::time;

use super::socket::{EMPTY_BUFFER, Socket, is_would_block_or_interrupted, recv};
use crate::server::access_log::EndReason;
use crate::server::shutdown::Shutdown;

/// The server reads at most this many bytes that come after a request (R7): a thousand times the
/// longest request. A peer that sends more is not waiting for its response.
const MAX_DRAIN_LEN: usize = 1024 * 1024;

/// The server waits this long for bytes after a request (R7): several times the round trip of a
/// slow link, since they would be on their way by now. After a long response it waits as long as
/// the timeout.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// A response of at most this many bytes of data leaves at once: TCP's initial window is 10
/// segments (RFC 6928), 14 kB at the usual 1460 bytes, and still 8.6 kB with segments of 860. A
/// longer one may still be on its way at the close, so that a
/// late byte of the peer would destroy its end.
const FIRST_FLIGHT_LEN: u32 = 8 * 1024;

/// How long to drain a connection after a response with `bytes` bytes of data. `None`: nothing is
/// to be expected of the peer. Draining would make a small exchange a fifth more expensive.
pub(super) fn drain_timeout(
    socket: &Socket,
    end: EndReason,
    bytes: u32,
    timeout: Duration,
) -> Option<Duration> {
    match end {
        EndReason::Sent if bytes > FIRST_FLIGHT_LEN => Some(timeout),
        EndReason::Malformed => Some(DRAIN_TIMEOUT),
        EndReason::Sent | EndReason::NotFound => discard(socket).then_some(DRAIN_TIMEOUT),
        _ => None,
    }
}

/// Reads once, and returns whether bytes had come after the request (R7).
fn discard(socket: &Socket) -> bool {
    let mut buffer = EMPTY_BUFFER;
    // Not `try_io`: what the runtime knows of the socket may be out of date.
    socket.try_now(|fd| recv(fd, &mut buffer)).is_ok_and(|received| !received.is_empty())
}

/// Ends the sending side, then reads until the peer ends its side, at most for `timeout` (R7).
pub(super) async fn drain(socket: &mut Socket, timeout: Duration, mut shutdown: Shutdown) {
    if socket.try_now(|fd| rustix::net::shutdown(fd, ShutdownSide::Write)).is_err() {
        return;
    }
    let mut left = MAX_DRAIN_LEN;
    tokio::select! {
        _ = time::timeout(timeout, read_on(socket, &mut left)) => return,
        () = shutdown.requested() => {}
    }
    // After the close the kernel goes on to deliver what it has, unless bytes are unread or come
    // later. So a peer that has sent more than its request is drained also when the server stops.
    if left < MAX_DRAIN_LEN || discard(socket) {
        time::timeout(DRAIN_TIMEOUT, read_on(socket, &mut left)).await.ok();
    }
}

/// Reads up to `left` bytes, or to the end, and counts `left` down.
async fn read_on(socket: &mut Socket, left: &mut usize) {
    while *left > 0 && socket.ready(Interest::READABLE).await.is_ok() {
        let mut buffer = EMPTY_BUFFER;
        match socket.recv(&mut buffer) {
            Ok([]) => break,
            Ok(received) => *left = left.saturating_sub(received.len()),
            Err(error) if is_would_block_or_interrupted(&error) => {}
            Err(_) => break,
        }
    }
}
