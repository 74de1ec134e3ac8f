//! The network device of another process, reached through two unix datagram sockets.
//!
//! QEMU's side of it: `-netdev dgram,id=n0,local.type=unix,local.path=PEER,remote.type=unix,`
//! `remote.path=OWN`.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetFrame;

/// The longest frame in bytes: Ethernet's 14-byte header and 1500 bytes of payload (IEEE 802.3).
const MAX_FRAME_LEN: usize = 1514;

/// The most frames that wait for a peer that reads too slowly; with so many no further frame is
/// received. 64 full frames are more than a TCP window without scaling, 65535 bytes.
const MAX_UNSENT: usize = 64;

/// A device whose frames come from and go to another process, one frame in each datagram.
///
/// While the other process has no socket, frames to it are lost, as on an unplugged cable.
#[derive(Debug)]
pub struct Datagram {
    socket: UnixDatagram,
    own: PathBuf,
    peer: PathBuf,
    unsent: VecDeque<Vec<u8>>,
}

impl Datagram {
    /// Binds a socket at the path `own`, which must not exist yet, and sends to the socket at
    /// `peer`, which may appear later.
    ///
    /// # Errors
    ///
    /// The system's, if the socket can't be bound.
    pub fn bind(own: &Path, peer: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::bind(own)?;
        let datagram = Self { socket, own: own.into(), peer: peer.into(), unsent: VecDeque::new() };
        datagram.socket.set_nonblocking(true)?;
        Ok(datagram)
    }

    /// Whether frames wait for the peer to read. The caller then polls again soon: poll(2) can't
    /// tell when an unconnected datagram socket has room.
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
        // The socket may be gone together with its folder.
        fs::remove_file(&self.own).ok();
    }
}

impl Device for Datagram {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME_LEN;
        capabilities
    }

    fn receive(&mut self, _: Instant) -> Option<(RxToken, TxToken<'_>)> {
        self.send();
        if self.unsent.len() >= MAX_UNSENT {
            return None;
        }
        // A byte more than a frame has: a frame that is too long is dropped, not cut.
        let mut buffer = [0; MAX_FRAME_LEN + 1];
        let len = self.socket.recv(&mut buffer).ok()?;
        let frame = if len > MAX_FRAME_LEN { &[] } else { buffer.get(..len)? };
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

/// The right to send a frame to the peer.
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

/// Moves frames from `from` to `to`, as a patch cable does, until `from` has no further frame or
/// `to` no room. Frames shorter than an Ethernet header are dropped.
pub fn patch<A: Device, B: Device>(from: &mut A, to: &mut B, now: Instant) {
    while let Some(room) = to.transmit(now) {
        let Some((frame, _)) = from.receive(now) else { return };
        phy::RxToken::consume(frame, |frame| {
            if frame.len() >= EthernetFrame::<&[u8]>::header_len() {
                phy::TxToken::consume(room, frame.len(), |out| out.copy_from_slice(frame));
            }
        });
    }
}
