//! The limits and timeouts of a server.

use std::time::Duration;

/// The default of both timeouts (R15), as of the client's.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The default of [`Config::max_connections`]. At 2 kB for a connection that is sent to slowly
/// (docs/SCALE.md), this many take 9 MB of the server's memory.
const DEFAULT_MAX_CONNECTIONS: usize = 4096;

/// The default of [`Config::max_per_peer`]: a sixteenth of the connections, so that one peer leaves
/// most of them to others.
const DEFAULT_MAX_PER_PEER: usize = 256;

/// The default of [`Config::max_files`]: one file for each connection.
const DEFAULT_MAX_FILES: usize = DEFAULT_MAX_CONNECTIONS;

/// The default of [`Config::grace`]: less than the 10 s that `docker stop` waits between SIGTERM
/// and SIGKILL.
const DEFAULT_GRACE: Duration = Duration::from_secs(8);

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
            timeout: DEFAULT_TIMEOUT,
            request_deadline: DEFAULT_TIMEOUT,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            max_per_peer: DEFAULT_MAX_PER_PEER,
            max_files: DEFAULT_MAX_FILES,
            grace: DEFAULT_GRACE,
        }
    }
}
