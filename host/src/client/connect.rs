//! From a server's address to a connection.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::address::ServerAddr;
use super::error::ClientError;
use super::race::connect_first;

/// The shortest timeout: the system refuses 0.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// The longest timeout that is added to a time, 136 years; a longer one is as good as this one.
const MAX_TIMEOUT: Duration = Duration::from_secs(u32::MAX as u64);

/// Connects to the address of the server that accepts first. The lookup of a name and all attempts
/// together take at most `timeout`.
pub(super) fn connect(server: &ServerAddr, timeout: Duration) -> Result<TcpStream, ClientError> {
    let deadline = Instant::now() + timeout.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
    let addresses = server
        .resolve(deadline)
        .map_err(|source| ClientError::Resolve { host: server.host(), source })?;
    connect_first(addresses, deadline).map_err(|attempts| ClientError::Connect { attempts })
}

/// Bounds every later read and write (R15).
pub(super) fn set_idle_timeout(
    connection: &TcpStream,
    timeout: Duration,
) -> Result<(), ClientError> {
    let timeout = timeout.max(MIN_TIMEOUT);
    connection
        .set_read_timeout(Some(timeout))
        .and_then(|()| connection.set_write_timeout(Some(timeout)))
        .map_err(|source| ClientError::Connection { source, progress: None })
}
