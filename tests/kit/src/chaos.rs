//! A proxy that does one thing wrong, at one byte, in one direction: what networks and hosts do to
//! connections, and when a test wants it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

/// A connection that moves nothing for so long is given up, so that none outlives its test by much.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// A direction of travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// From the client: requests.
    ToServer,
    /// From the server: responses.
    ToClient,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Both sides see the other end the connection, in order.
    Cut,
    /// This direction ends in order, the other one goes on.
    HalfClose,
    /// Both sides see a reset.
    Reset,
    /// Nothing comes through any more, either way, and nobody is told.
    Stall,
    /// This bit of the byte, 0 to 7 from the least, is another one.
    Flip(u8),
    /// From here on each byte is a segment of its own.
    Drip,
}

/// Where it goes wrong: the byte `at`, counted from 0, is the first that is not passed on as it came.
/// It strikes when that byte arrives, so the end of a message is reached by no count beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In which direction.
    pub lane: Lane,
    /// Before which byte.
    pub at: usize,
    /// What.
    pub mishap: Mishap,
}

/// The proxy: every connection through it meets the same fault. Closed when dropped.
#[derive(Debug)]
pub struct Chaos {
    addr: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Chaos {
    /// Passes on to `server`, but for the fault.
    ///
    /// # Panics
    ///
    /// If the system gives no port.
    pub fn start(server: SocketAddr, fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                thread::spawn(move || {
                    let link = client.and_then(|client| Link::new(client, server, fault));
                    // An end by an error is an end like others: what it was, the peers' tests say.
                    link.and_then(Link::run).ok();
                });
            }
        });
        Self { addr, stop, thread: Some(thread) }
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread, which then looks.
        TcpStream::connect(self.addr).ok();
        self.thread.take().map(JoinHandle::join);
    }
}

/// What is done with the bytes of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Pass,
    Drip,
    Discard,
    Ended,
}

/// One connection through the proxy. Lanes are indexed by who is read from: the client is 0.
struct Link {
    peers: [TcpStream; 2],
    flows: [Flow; 2],
    passed: [usize; 2],
    fault: Fault,
}

impl Link {
    fn new(client: TcpStream, server: SocketAddr, fault: Fault) -> io::Result<Self> {
        let peers = [client, TcpStream::connect(server)?];
        for peer in &peers {
            peer.set_nodelay(true)?;
            peer.set_write_timeout(Some(Duration::from_secs(30)))?;
        }
        Ok(Self { peers, flows: [Flow::Pass; 2], passed: [0; 2], fault })
    }

    /// Until both lanes have ended, or there is no client left to tell anything.
    fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while self.flows != [Flow::Ended; 2] {
            for lane in self.readable()? {
                let len = (&self.peers[lane]).read(&mut buffer)?;
                if len > 0 {
                    self.carry(lane, &mut buffer[..len])?;
                } else if lane == 0 && self.flows == [Flow::Discard; 2] {
                    return Ok(());
                } else {
                    self.end(lane)?;
                }
            }
        }
        Ok(())
    }

    /// The lanes on which something has come, or the end.
    fn readable(&self) -> io::Result<Vec<usize>> {
        let open: Vec<usize> = (0..2).filter(|lane| self.flows[*lane] != Flow::Ended).collect();
        let wanted = open.iter().map(|lane| PollFd::new(&self.peers[*lane], PollFlags::IN));
        let mut polled: Vec<PollFd<'_>> = wanted.collect();
        if poll(&mut polled, Some(&PATIENCE))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let ready = open.iter().zip(&polled).filter(|(_, it)| !it.revents().is_empty());
        Ok(ready.map(|(lane, _)| *lane).collect())
    }

    fn carry(&mut self, lane: usize, bytes: &mut [u8]) -> io::Result<()> {
        let before = match self.fault.at.checked_sub(self.passed[lane]) {
            Some(before) if before < bytes.len() && lane == index(self.fault.lane) => before,
            _ => return self.pass(lane, bytes),
        };
        let (sound, rest) = bytes.split_at_mut(before);
        self.pass(lane, sound)?;
        self.strike(lane, rest)?;
        self.pass(lane, rest)
    }

    fn pass(&mut self, lane: usize, bytes: &[u8]) -> io::Result<()> {
        let mut to = &self.peers[1 - lane];
        match self.flows[lane] {
            Flow::Pass => to.write_all(bytes)?,
            Flow::Drip => bytes.chunks(1).try_for_each(|byte| to.write_all(byte))?,
            Flow::Discard | Flow::Ended => {}
        }
        self.passed[lane] += bytes.len();
        Ok(())
    }

    /// Does to the connection, or to the first of these bytes, what the fault says.
    fn strike(&mut self, lane: usize, bytes: &mut [u8]) -> io::Result<()> {
        match self.fault.mishap {
            Mishap::Cut => {
                self.flows = [Flow::Discard; 2];
                self.peers.iter().try_for_each(|peer| peer.shutdown(Shutdown::Write))?;
            }
            Mishap::HalfClose => {
                self.flows[lane] = Flow::Discard;
                self.peers[1 - lane].shutdown(Shutdown::Write)?;
            }
            Mishap::Reset => {
                for peer in &self.peers {
                    SockRef::from(peer).set_linger(Some(Duration::ZERO))?;
                }
                // As all errors it ends the link, and dropping the sockets sends the resets.
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Mishap::Stall => self.flows = [Flow::Discard; 2],
            Mishap::Flip(bit) => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1 << bit),
            Mishap::Drip => self.flows[lane] = Flow::Drip,
        }
        Ok(())
    }

    /// A lane's sender has ended it.
    fn end(&mut self, lane: usize) -> io::Result<()> {
        if matches!(self.flows[lane], Flow::Pass | Flow::Drip) {
            self.peers[1 - lane].shutdown(Shutdown::Write)?;
        }
        self.flows[lane] = Flow::Ended;
        Ok(())
    }
}

const fn index(lane: Lane) -> usize {
    match lane {
        Lane::ToServer => 0,
        Lane::ToClient => 1,
    }
}

#[cfg(test)]
mod tests;
