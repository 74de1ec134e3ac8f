//! Connects to the first address that accepts, of several (RFC 8305, "Happy Eyeballs").

use std::io::{self, ErrorKind};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::vec;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

/// How long an address has the race for itself before the next one is tried beside it: the
/// "Connection Attempt Delay" that RFC 8305 recommends in section 8.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first of `addresses` that accepts before `deadline`, and closes the other
/// connections. Begins with the first address, and with a further one every [`ATTEMPT_DELAY`], or
/// as soon as one fails; IPv6 and IPv4 take turns.
///
/// # Errors
///
/// Every address that was tried, with its error.
pub(super) fn connect_first(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
) -> Result<TcpStream, Vec<(SocketAddr, io::Error)>> {
    let mut race = Race {
        waiting: interleaved(addresses).into_iter(),
        under_way: Vec::new(),
        failed: Vec::new(),
        next: Instant::now(),
    };
    loop {
        race.start_due(Instant::now());
        if race.under_way.is_empty() && race.waiting.as_slice().is_empty() {
            return Err(race.failed);
        }
        if Instant::now() >= deadline {
            return Err(race.timed_out());
        }
        if let Some(connection) = race.wait(deadline) {
            return Ok(connection);
        }
    }
}

struct Race {
    /// The addresses that are still to be tried.
    waiting: vec::IntoIter<SocketAddr>,
    under_way: Vec<(SocketAddr, TcpStream)>,
    failed: Vec<(SocketAddr, io::Error)>,
    /// When the next address is tried; at once when another one fails.
    next: Instant,
}

impl Race {
    /// Starts the attempt that is due, and a further one for each that fails at once.
    fn start_due(&mut self, now: Instant) {
        while now >= self.next {
            let Some(address) = self.waiting.next() else { return };
            match start(address) {
                Ok(socket) => {
                    self.under_way.push((address, socket));
                    self.next = now + ATTEMPT_DELAY;
                }
                Err(error) => self.failed.push((address, error)),
            }
        }
    }

    /// Waits until an attempt has ended or the next one is due, at the latest until `deadline`.
    /// Returns the connection if there is one.
    fn wait(&mut self, deadline: Instant) -> Option<TcpStream> {
        let all_tried = self.waiting.as_slice().is_empty();
        let wake = if all_tried { deadline } else { deadline.min(self.next) };
        let events = self.poll(wake.saturating_duration_since(Instant::now()));
        for ((address, socket), events) in mem::take(&mut self.under_way).into_iter().zip(events) {
            let ended = match events {
                Ok(events) if events.is_empty() => {
                    self.under_way.push((address, socket));
                    continue;
                }
                Ok(events) => finish(socket, events),
                Err(error) => Err(error.into()),
            };
            match ended {
                Ok(connection) => return Some(connection),
                Err(error) => {
                    self.failed.push((address, error));
                    self.next = Instant::now();
                }
            }
        }
        None
    }

    /// Returns what has happened to each attempt under way, after at most `timeout`.
    fn poll(&self, timeout: Duration) -> Vec<Result<PollFlags, Errno>> {
        let sockets = self.under_way.iter();
        let mut fds: Vec<PollFd<'_>> =
            sockets.map(|(_, socket)| PollFd::new(socket, PollFlags::OUT)).collect();
        // Where the timeout is more than the system can count, the system waits without one.
        let timeout = Timespec::try_from(timeout).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => fds.iter().map(|fd| Ok(fd.revents())).collect(),
            Err(Errno::INTR) => vec![Ok(PollFlags::empty()); fds.len()],
            Err(error) => vec![Err(error); fds.len()],
        }
    }

    /// Returns the errors at the deadline.
    fn timed_out(self) -> Vec<(SocketAddr, io::Error)> {
        let late = self.under_way.into_iter();
        let late = late.map(|(address, _)| (address, ErrorKind::TimedOut.into()));
        self.failed.into_iter().chain(late).collect()
    }
}

/// Begins to connect, without waiting.
fn start(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket.into()),
        Err(Errno::INVAL) if is_without_interface(&address) => {
            let reason = format!(
                "it is there on every link: name your interface to it, as in {}%eth0",
                address.ip()
            );
            Err(io::Error::new(ErrorKind::InvalidInput, reason))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether it is a link-local address without the interface that leads to it (RFC 4007).
fn is_without_interface(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(it) if it.ip().is_unicast_link_local() && it.scope_id() == 0)
}

/// Returns the connection that `events` tell of, whose calls may wait from now on.
fn finish(socket: TcpStream, events: PollFlags) -> io::Result<TcpStream> {
    if events.intersects(PollFlags::ERR | PollFlags::HUP) {
        socket.take_error()?.map_or(Ok(()), Err)?;
    }
    socket.set_nonblocking(false)?;
    Ok(socket)
}

/// Lets the families of addresses take turns, beginning with that of the first address (RFC 8305,
/// section 4).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_ipv4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first_is_ipv4);
    let pairs = first.len().min(second.len());
    let (rest, more) = (first.split_off(pairs), second.split_off(pairs));
    let turns = first.into_iter().zip(second).flat_map(|(first, second)| [first, second]);
    turns.chain(rest).chain(more).collect()
}

#[cfg(test)]
mod tests;
