//! A TCP proxy that injects one fault, at one byte, in one direction: what networks and hosts do to
//! connections, at the moment that a test chooses.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use socket2::SockRef;

use crate::listener::listener;

/// A connection without traffic is closed after 30 s, so that no thread outlives its test by much.
const IDLE_TIMEOUT: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// The direction in which bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a TCP connection has two directions")]
pub enum Direction {
    /// From the client to the server: requests.
    ToServer,
    /// From the server to the client: responses.
    ToClient,
}

/// What the proxy does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a test must say what each fault leads to")]
pub enum Fault {
    /// Closes both directions with a FIN.
    Cut,
    /// Closes this direction with a FIN; the other direction goes on.
    HalfClose,
    /// Resets the connections to both sides.
    Reset,
    /// Discards all bytes of both directions from here on, and tells nobody.
    Stall,
    /// Inverts this bit of the byte, 0 (least significant) to 7.
    Flip(u8),
    /// Sends each byte from here on as a segment of its own.
    Drip,
}

/// A fault and its position. The byte `at`, counted from 0, is the first that the proxy does not
/// pass on unchanged. The fault happens when that byte arrives: a position beyond the last byte has
/// no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "each test names all three fields")]
pub struct Injection {
    /// The direction whose bytes are counted.
    pub direction: Direction,
    /// The index of the byte.
    pub at: usize,
    /// What happens.
    pub fault: Fault,
}

/// A proxy in threads of its own, closed when dropped. Every connection meets the same fault.
#[derive(Debug)]
pub struct FaultProxy {
    addr: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Passes connections on to `server`, with this fault.
    ///
    /// # Panics
    ///
    /// If the system gives no port.
    pub fn start(server: SocketAddr, injection: Injection) -> Self {
        let listener = listener();
        let addr = listener.local_addr().expect("a bound listener has an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                thread::spawn(move || {
                    let connection =
                        client.and_then(|client| ProxiedConnection::new(client, server, injection));
                    // The peers see how a connection ended; their tests check it.
                    connection.and_then(ProxiedConnection::run).ok();
                });
            }
        });
        Self { addr, stop, thread: Some(thread) }
    }

    /// Returns the address of the listener.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread out of `accept`.
        TcpStream::connect(self.addr).ok();
        self.thread.take().map(JoinHandle::join);
    }
}

/// What the proxy does with the bytes of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Pass,
    Drip,
    Discard,
    Ended,
}

/// One connection through the proxy. A direction has the index of the peer that is read: the client
/// is 0.
struct ProxiedConnection {
    peers: [TcpStream; 2],
    flows: [Flow; 2],
    passed: [usize; 2],
    injection: Injection,
}

impl ProxiedConnection {
    fn new(client: TcpStream, server: SocketAddr, injection: Injection) -> io::Result<Self> {
        let peers = [client, TcpStream::connect(server)?];
        for peer in &peers {
            peer.set_nodelay(true)?;
            peer.set_write_timeout(Some(Duration::from_secs(30)))?;
        }
        Ok(Self { peers, flows: [Flow::Pass; 2], passed: [0; 2], injection })
    }

    /// Passes bytes on until both directions have ended, or the client is gone during a stall.
    fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while self.flows != [Flow::Ended; 2] {
            for direction in self.readable()? {
                let len = (&self.peers[direction]).read(&mut buffer)?;
                if len > 0 {
                    self.carry(direction, &mut buffer[..len])?;
                } else if direction == 0 && self.flows == [Flow::Discard; 2] {
                    return Ok(());
                } else {
                    self.end(direction)?;
                }
            }
        }
        Ok(())
    }

    /// Waits for bytes or the end of a direction; returns the directions that have any.
    fn readable(&self) -> io::Result<Vec<usize>> {
        let open: Vec<usize> =
            (0..2).filter(|direction| self.flows[*direction] != Flow::Ended).collect();
        let wanted =
            open.iter().map(|direction| PollFd::new(&self.peers[*direction], PollFlags::IN));
        let mut polled: Vec<PollFd<'_>> = wanted.collect();
        if retry_on_intr(|| poll(&mut polled, Some(&IDLE_TIMEOUT)))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let ready = open.iter().zip(&polled).filter(|(_, it)| !it.revents().is_empty());
        Ok(ready.map(|(direction, _)| *direction).collect())
    }

    fn carry(&mut self, direction: usize, bytes: &mut [u8]) -> io::Result<()> {
        let before = match self.injection.at.checked_sub(self.passed[direction]) {
            Some(before)
                if before < bytes.len() && direction == index(self.injection.direction) =>
            {
                before
            }
            _ => return self.pass(direction, bytes),
        };
        let (sound, rest) = bytes.split_at_mut(before);
        self.pass(direction, sound)?;
        self.inject(direction, rest)?;
        self.pass(direction, rest)
    }

    fn pass(&mut self, direction: usize, bytes: &[u8]) -> io::Result<()> {
        let mut to = &self.peers[1 - direction];
        match self.flows[direction] {
            Flow::Pass => to.write_all(bytes)?,
            Flow::Drip => bytes.chunks(1).try_for_each(|byte| to.write_all(byte))?,
            Flow::Discard | Flow::Ended => {}
        }
        self.passed[direction] += bytes.len();
        Ok(())
    }

    /// Applies the fault to the connection, or to the first of these bytes.
    fn inject(&mut self, direction: usize, bytes: &mut [u8]) -> io::Result<()> {
        match self.injection.fault {
            Fault::Cut => {
                self.flows = [Flow::Discard; 2];
                self.peers.iter().try_for_each(|peer| peer.shutdown(Shutdown::Write))?;
            }
            Fault::HalfClose => {
                self.flows[direction] = Flow::Discard;
                self.peers[1 - direction].shutdown(Shutdown::Write)?;
            }
            Fault::Reset => {
                for peer in &self.peers {
                    SockRef::from(peer).set_linger(Some(Duration::ZERO))?;
                }
                // The error ends the connection, and dropping the sockets sends the resets.
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Fault::Stall => self.flows = [Flow::Discard; 2],
            Fault::Flip(bit) => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1 << bit),
            Fault::Drip => self.flows[direction] = Flow::Drip,
        }
        Ok(())
    }

    /// Handles the end of a direction by its sender.
    fn end(&mut self, direction: usize) -> io::Result<()> {
        if matches!(self.flows[direction], Flow::Pass | Flow::Drip) {
            self.peers[1 - direction].shutdown(Shutdown::Write)?;
        }
        self.flows[direction] = Flow::Ended;
        Ok(())
    }
}

const fn index(direction: Direction) -> usize {
    match direction {
        Direction::ToServer => 0,
        Direction::ToClient => 1,
    }
}

#[cfg(test)]
mod tests;
