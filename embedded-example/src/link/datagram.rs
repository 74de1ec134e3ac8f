//! A network device in another process, at the far end of two unix datagram sockets.
//!
//! QEMU's side of it: `-netdev dgram,id=n0,local.type=unix,local.path=PEER,remote.type=unix,`
//! `remote.path=OWN`.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::vec;
use std::vec::Vec;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// The longest frame: 1500 bytes behind an Ethernet header.
const LONGEST: usize = 1514;

/// How many frames wait for a peer that reads too slowly before none is received any more.
const BACKLOG: usize = 64;

/// A device whose frames come from and go to another process, one in each datagram.
///
/// A peer that is not there (yet, or any more) is an unplugged cable: frames to it are lost.
#[derive(Debug)]
pub struct Datagram {
    socket: UnixDatagram,
    own: PathBuf,
    peer: PathBuf,
    unsent: VecDeque<Vec<u8>>,
}

impl Datagram {
    /// Binds a socket at `own`, which must not exist yet; `peer` may come later.
    ///
    /// # Errors
    ///
    /// The system's, if it can't.
    pub fn bind(own: &Path, peer: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::bind(own)?;
        let datagram = Self { socket, own: own.into(), peer: peer.into(), unsent: VecDeque::new() };
        datagram.socket.set_nonblocking(true)?;
        Ok(datagram)
    }

    /// Whether frames wait for the peer to read: then ask again soon, poll(2) can't tell.
    pub fn is_blocked(&self) -> bool {
        !self.unsent.is_empty()
    }

    fn send(&mut self) {
        while let Some(frame) = self.unsent.front() {
            match self.socket.send_to(frame, &self.peer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => drop(self.unsent.pop_front()),
            }
        }
    }
}

impl AsFd for Datagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Datagram {
    fn drop(&mut self) {
        // It may be gone together with its folder.
        fs::remove_file(&self.own).ok();
    }
}

impl Device for Datagram {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = LONGEST;
        capabilities
    }

    fn receive(&mut self, _: Instant) -> Option<(RxToken, TxToken<'_>)> {
        self.send();
        if self.unsent.len() >= BACKLOG {
            return None;
        }
        // A byte more than fits, so that a frame that is too long is seen, and lost, not cut.
        let mut buffer = [0; LONGEST + 1];
        let len = self.socket.recv(&mut buffer).ok()?;
        let frame = if len > LONGEST { &[] } else { buffer.get(..len)? };
        Some((RxToken(frame.to_vec()), TxToken(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        self.send();
        self.unsent.is_empty().then_some(TxToken(self))
    }
}

/// A frame from the peer.
#[derive(Debug)]
pub struct RxToken(Vec<u8>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// Room for a frame to the peer.
#[derive(Debug)]
pub struct TxToken<'a>(&'a mut Datagram);

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.unsent.push_back(frame);
        self.0.send();
        result
    }
}

/// Moves what `from` has received to `to`, as a patch cable does, until one has nothing more or the
/// other no more room. Frames that are none, shorter than an Ethernet header, are left out.
pub fn patch<A: Device, B: Device>(from: &mut A, to: &mut B, now: Instant) {
    while let Some(room) = to.transmit(now) {
        let Some((frame, _)) = from.receive(now) else { return };
        phy::RxToken::consume(frame, |frame| {
            if frame.len() >= 14 {
                phy::TxToken::consume(room, frame.len(), |out| out.copy_from_slice(frame));
            }
        });
    }
}
