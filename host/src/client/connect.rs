//! From a server's address to a connection.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use super::address::ServerAddr;
use super::error::ClientError;

/// The shortest timeout: the system refuses 0.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// Tries each address of the server in turn, and waits at most `timeout` for each. The look-up of a
/// name comes before, and takes as long as the system's resolver lets it.
pub(super) fn connect(server: &ServerAddr, timeout: Duration) -> Result<TcpStream, ClientError> {
    let unresolved = |source| ClientError::Resolve { host: server.host(), source };
    let mut attempts = Vec::new();
    for address in server.resolve().map_err(unresolved)? {
        match TcpStream::connect_timeout(&address, timeout.max(MIN_TIMEOUT)) {
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
    let timeout = timeout.max(MIN_TIMEOUT);
    connection
        .set_read_timeout(Some(timeout))
        .and_then(|()| connection.set_write_timeout(Some(timeout)))
        .map_err(|source| ClientError::Connection { source, progress: None })
}
