//! From a host's name to its addresses, in bounded time.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Returns every address of `host`, in the order of the system's resolver. That one can't be
/// stopped: after `timeout` its thread is left alone.
///
/// # Errors
///
/// `TimedOut` if the name service has not answered within `timeout`; else the resolver's.
pub fn resolve(host: &str, port: u16, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
    let host = host.to_owned();
    let (answer, answered) = mpsc::channel();
    thread::Builder::new().name("resolver".into()).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Vec::from_iter);
        // Nobody waits for an answer that comes too late.
        answer.send(found).ok();
    })?;
    let late = |_| {
        let reason = format!("the name service has not answered within {timeout:?}");
        Err(io::Error::new(ErrorKind::TimedOut, reason))
    };
    answered.recv_timeout(timeout).unwrap_or_else(late)
}
