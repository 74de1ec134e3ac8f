//! The limits and timeouts of a server.

use std::time::Duration;

/// The limits and timeouts of a [`Server`](super::Server).
///
/// Later releases may add fields: start from the defaults, and assign what should differ.
///
/// ```
/// # use std::time::Duration;
/// let mut config = fetchlet::server::Config::default();
/// config.timeout = Duration::from_secs(1);
/// config.max_connections = 100;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The server drops a peer that takes no byte of a response for this long (R15). Default: 10 s.
    ///
    /// The server learns what a peer takes from TCP's window alone. A peer that reads a large
    /// receive buffer so slowly that its window stays shut for longer looks like one that does not
    /// read.
    ///
    /// A request whose file system gives no answer for this long, or whose file is under another
    /// program's lease for this long, gets none either (R8).
    pub timeout: Duration,
    /// A request must be whole this long after its connection was accepted, however slowly its
    /// bytes trickle in (R6, R15). Default: 10 s.
    pub request_deadline: Duration,
    /// The server serves this many connections at once, at least 1. Further ones wait in the
    /// backlog of the listener. Default: 4096.
    pub max_connections: usize,
    /// This many of the connections may come from one address (IPv6: from one /64). The server
    /// closes further ones at once. 0: no limit. Default: 256.
    pub max_per_peer: usize,
    /// The server has this many files open at once, at least 1. Further requests wait for their
    /// turn, at most for `timeout`. Each file takes one descriptor besides its connection's.
    /// Default: 4096.
    pub max_files: usize,
    /// Exchanges may go on for this long after the shutdown was requested. Default: 8 s.
    pub grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            request_deadline: Duration::from_secs(10),
            max_connections: 4096,
            max_per_peer: 256,
            max_files: 4096,
            grace: Duration::from_secs(8),
        }
    }
}
