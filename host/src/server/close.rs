//! A close that does not destroy the response (R7).

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::net::{RecvFlags, Shutdown};
use tokio::io::Interest;
use tokio::time;

use super::connection::{READ, Stop, is_transient, recv};
use super::outcome::End;
use super::socket::Socket;

/// R7: how much of what is left unread is drained before closing, and for how long; after a long
/// response as long as the time-out, since its end may still be on its way.
const DRAIN: usize = 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// A response of up to so many bytes leaves at once, in TCP's first flight. A longer one may still be
/// on its way when the connection is closed, so that a late byte from the peer would destroy its end.
const FIRST_FLIGHT: u32 = 8 * 1024;

/// How long to drain what the peer may still send; `None`: nothing is to be expected, and waiting for it
/// would cost a fifth of a small request.
pub(super) fn drain_time(
    socket: &Socket,
    end: End,
    bytes: u32,
    timeout: Duration,
) -> Option<Duration> {
    match end {
        End::Sent if bytes > FIRST_FLIGHT => Some(timeout),
        End::Malformed => Some(DRAIN_TIME),
        End::Sent | End::NotFound => discard(socket).then_some(DRAIN_TIME),
        _ => None,
    }
}

/// One last read that does not wait: whether anything had come after the request (R7).
fn discard(socket: &Socket) -> bool {
    let mut buffer = [0; READ];
    // Not `try_io`, which asks tokio's idea of what is readable, and that may be out of date.
    let recv = |fd: BorrowedFd<'_>| rustix::net::recv(fd, &mut buffer[..], RecvFlags::empty());
    socket.at_once(recv).is_ok_and(|(_, len)| len > 0)
}

/// R7: ends the sending side, then reads on for a while. Closing with bytes unread makes TCP reset the
/// connection, which destroys what the peer has not read yet.
pub(super) async fn drain(socket: &mut Socket, time: Duration, mut stop: Stop) {
    if socket.at_once(|fd| rustix::net::shutdown(fd, Shutdown::Write)).is_err() {
        return;
    }
    let mut left = DRAIN;
    tokio::select! {
        // Either way it is closed now.
        _ = time::timeout(time, read_on(socket, &mut left)) => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    // The system goes on to deliver what it has, unless there is input: a peer that has sent more than
    // its request is waited for, also when the server stops.
    if left < DRAIN || discard(socket) {
        time::timeout(DRAIN_TIME, read_on(socket, &mut left)).await.ok();
    }
}

/// Reads up to `left` bytes, or to the end.
async fn read_on(socket: &mut Socket, left: &mut usize) {
    while *left > 0 && socket.ready(Interest::READABLE).await.is_ok() {
        let mut buffer = [0; READ];
        match recv(socket, &mut buffer) {
            Ok(0) => break,
            Ok(len) => *left = left.saturating_sub(len),
            Err(error) if is_transient(&error) => {}
            Err(_) => break,
        }
    }
}
