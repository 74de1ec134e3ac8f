//! Joins two network namespaces by two TAPs, whose frames a thread carries from one to the other.
//!
//! TCP at both ends is the kernel's. A TAP has no offloads unless it is asked for some, so what is
//! carried, lost and delayed is frames of at most 1514 bytes, as on a cable.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use fetchlet_test_kit::namespace::NetworkNamespace;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use smoltcp::phy::{Medium, TunTapInterface};

use crate::direction::{DeliveryCounters, Impairments, LinkDirection};

/// The server's address on the link.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The client's address on the link.
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// The longest frame in bytes: the TAP's MTU of 1500 and the Ethernet header of 14.
const LONGEST_FRAME: usize = 1514;

/// A link between two network namespaces. Dropping the link ends it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) server: NetworkNamespace,
    pub(crate) client: NetworkNamespace,
    stop: Option<UnixStream>,
    relay: Option<JoinHandle<io::Result<[DeliveryCounters; 2]>>>,
}

impl Link {
    /// Makes a link with the same impairments in both directions. The seed decides which frames are
    /// lost.
    pub(crate) fn new(impairments: Impairments, seed: u64) -> io::Result<Self> {
        let (server, client) = (NetworkNamespace::new()?, NetworkNamespace::new()?);
        let taps = [tap(&server, SERVER, 1, CLIENT, 2)?, tap(&client, CLIENT, 2, SERVER, 1)?];
        let directions = [seed, !seed].map(|seed| LinkDirection::new(impairments, seed));
        let (stop, stopped) = UnixStream::pair()?;
        let relay = thread::spawn(move || relay(&taps, directions, &stopped));
        Ok(Self { server, client, stop: Some(stop), relay: Some(relay) })
    }

    /// Ends the link and returns the counters of the server's frames and of the client's.
    pub(crate) fn end(mut self) -> io::Result<[DeliveryCounters; 2]> {
        drop(self.stop.take());
        let ended = self.relay.take().map(JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or_else(|| Err(io::Error::other("the relay panicked")))
    }
}

/// Makes a TAP in `network`, up and with its address. The neighbour is set by hand: a lost ARP
/// request would cost a second that has nothing to do with the download.
fn tap(
    network: &NetworkNamespace,
    own: Ipv4Addr,
    number: u8,
    peer: Ipv4Addr,
    other: u8,
) -> io::Result<File> {
    let tap = network.run(|| {
        let tap = TunTapInterface::new("tap0", Medium::Ethernet).map_err(|error| {
            io::Error::new(error.kind(), format!("a TAP can't be made here ({error})"))
        })?;
        // `TunTapInterface` shows its descriptor's number only; `pidfd_getfd` makes an owned copy.
        let process = pidfd_open(getpid(), PidfdFlags::empty())?;
        let own = pidfd_getfd(process, tap.as_raw_fd(), PidfdGetfdFlags::empty())?;
        Ok(File::from(own))
    })?;
    network.ip(&[
        "link set lo up".into(),
        format!("link set dev tap0 address 02:00:00:00:00:0{number} mtu 1500 addrgenmode none"),
        format!("address add {own}/24 dev tap0"),
        "link set tap0 up".into(),
        format!("neighbour replace {peer} lladdr 02:00:00:00:00:0{other} dev tap0 nud permanent"),
    ])?;
    Ok(tap)
}

/// Carries frames until the other end of `stop` is closed. Direction 0 leads from TAP 0 to TAP 1.
fn relay(
    taps: &[File; 2],
    mut directions: [LinkDirection; 2],
    stop: &UnixStream,
) -> io::Result<[DeliveryCounters; 2]> {
    loop {
        let now = Instant::now();
        for (direction, to) in directions.iter_mut().zip(taps.iter().rev()) {
            while let Some(frame) = direction.pop(now) {
                deliver(to, &frame)?;
            }
        }
        let next = directions.iter().filter_map(LinkDirection::next).min();
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut waiting = [
            PollFd::new(&taps[0], PollFlags::IN),
            PollFd::new(&taps[1], PollFlags::IN),
            PollFd::new(stop, PollFlags::IN),
        ];
        poll(&mut waiting, left.as_ref())?;
        if !waiting[2].revents().is_empty() {
            return Ok(directions.map(|direction| direction.counters));
        }
        for (direction, from) in directions.iter_mut().zip(taps) {
            collect(from, direction)?;
        }
    }
}

fn deliver(mut tap: &File, frame: &[u8]) -> io::Result<()> {
    match tap.write(frame) {
        // An interface that is not up yet or has no room loses the frame, as a cable does.
        Err(error) if !is_refusal(&error) => Err(error),
        _ => Ok(()),
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::AGAIN | Errno::NOBUFS))
}

/// Reads every frame that the kernel has sent into the TAP.
fn collect(mut tap: &File, direction: &mut LinkDirection) -> io::Result<()> {
    let mut frame = [0; LONGEST_FRAME];
    loop {
        match tap.read(&mut frame) {
            Ok(len) => direction.push(Instant::now(), &frame[..len]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
