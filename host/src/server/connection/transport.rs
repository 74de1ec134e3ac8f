//! The connection that a response is sent over.

use std::io;
use std::time::{Duration, Instant};

use rustix::net::SendFlags;

use super::send::send_some;
use super::send_window::ReaderRate;
use super::socket::Socket;

/// A way to a peer.
pub(super) trait Transport {
    /// Sends some of `bytes`, at least one, and returns how many.
    ///
    /// # Errors
    ///
    /// `TIMEDOUT` if the peer took nothing for `timeout` (R15), else those of the connection.
    fn send(
        &mut self,
        bytes: &[u8],
        timeout: Duration,
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Records that `sent` bytes have been sent by the time `now`, so that a peer that takes them
    /// fast may have more of them in the kernel.
    fn record(&mut self, rate: &mut ReaderRate, sent: u32, now: Instant);
}

impl Transport for Socket {
    async fn send(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        send_some(self, bytes, timeout, SendFlags::empty()).await
    }

    fn record(&mut self, rate: &mut ReaderRate, sent: u32, now: Instant) {
        rate.record(sent, now, self);
    }
}
