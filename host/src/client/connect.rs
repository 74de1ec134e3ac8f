//! From a host's name to a connection.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::ClientError;

const SHORTEST: Duration = Duration::from_millis(1);

/// Tries each address in turn, `timeout` for each. The look-up of the name takes as long as the system's
/// resolver lets it.
pub(super) fn connect(host: &str, port: u16, timeout: Duration) -> Result<TcpStream, ClientError> {
    let unresolved = |source| ClientError::Resolve { host: host.into(), source };
    // As in a URL, an IPv6 address may stand in brackets.
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mut attempts = Vec::new();
    for address in (bare, port).to_socket_addrs().map_err(unresolved)? {
        match TcpStream::connect_timeout(&address, timeout.max(SHORTEST)) {
            Ok(connection) => return Ok(connection),
            Err(error) => attempts.push((address, error)),
        }
    }
    if attempts.is_empty() {
        return Err(unresolved(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    Err(ClientError::Connect { attempts })
}

/// Bounds every later read and write (R15).
pub(super) fn set_idle_timeout(
    connection: &TcpStream,
    timeout: Duration,
) -> Result<(), ClientError> {
    // Zero would be an error.
    let timeout = timeout.max(SHORTEST);
    connection
        .set_read_timeout(Some(timeout))
        .and_then(|()| connection.set_write_timeout(Some(timeout)))
        .map_err(|source| ClientError::Connection { source, progress: None })
}
