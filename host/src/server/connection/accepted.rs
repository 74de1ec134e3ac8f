//! A connection as the accept loop hands it on.

use std::net::{self, SocketAddr};

use tokio::time::Instant;

use crate::server::access_log::{AccessLogEntry, ExchangeEnd};
use crate::server::limits::ConnectionSlot;

/// An accepted connection. Fields are dropped in order: the slot must outlive the socket.
#[derive(Debug)]
pub(in crate::server) struct AcceptedConnection {
    /// Does not block.
    pub(in crate::server) stream: net::TcpStream,
    pub(in crate::server) slot: ConnectionSlot,
    pub(in crate::server) peer: SocketAddr,
    pub(in crate::server) accepted_at: Instant,
}

impl AcceptedConnection {
    /// Closes the connection without a response, and logs why.
    pub(in crate::server) fn close(self, end: ExchangeEnd) {
        AccessLogEntry::new(self.peer, self.accepted_at).finish(end);
    }
}
