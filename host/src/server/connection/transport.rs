//! The connection that a response is sent over.

use std::io;
use std::time::Duration;

use rustix::net::SendFlags;

use super::send::send_some;
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
}

impl Transport for Socket {
    async fn send(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<usize> {
        send_some(self, bytes, timeout, SendFlags::empty()).await
    }
}
