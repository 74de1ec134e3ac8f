//! The far end of a segment: a second stack, which hands each connection to a real server.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::vec;
use std::vec::Vec;

use rustix::event::{PollFd, PollFlags};
use smoltcp::iface::{self, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Cidr};

use super::relay::{Relay, Step};
use super::wait::wait;

/// How many connections are handed on at once; further ones are refused.
const CONNECTIONS: usize = 4;

/// What a gateway is called, and where it leads.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Its own hardware address; unique on its segment.
    pub hardware: EthernetAddress,
    /// Its address on the segment, and the prefix length of the network there.
    pub address: Ipv4Cidr,
    /// Where it listens.
    pub port: u16,
    /// Where connections are handed to.
    pub server: SocketAddr,
    /// For sequence numbers; fresh at each start.
    pub seed: u64,
    /// The size of both buffers of each connection.
    pub buffer: usize,
    /// How long a peer on the segment may be silent, though asked, before it is given up.
    pub timeout: Duration,
}

/// What has become of the connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Connections accepted.
    pub accepted: u64,
    /// Of them, those that both sides have ended.
    pub finished: u64,
    /// Those that one side has broken off, or that the server did not accept.
    pub broken: u64,
}

/// A stack that listens on behalf of a real server. It has no notion of what is said: it passes on
/// bytes, ends and resets, both ways.
pub struct Gateway<D: Device> {
    device: D,
    interface: Interface,
    sockets: SocketSet<'static>,
    relays: Vec<(SocketHandle, Relay)>,
    port: u16,
    server: SocketAddr,
    served: Served,
    failed: Option<io::Error>,
}

impl<D: Device> Gateway<D> {
    /// A gateway that listens from its first poll on.
    pub fn new(mut device: D, config: &GatewayConfig, now: Instant) -> Self {
        let mut interface_config = iface::Config::new(config.hardware.into());
        interface_config.random_seed = config.seed;
        let mut interface = Interface::new(interface_config, &mut device, now);
        // smoltcp has room for at least one address.
        interface.update_ip_addrs(|all| all.push(IpCidr::Ipv4(config.address)).unwrap_or_default());
        let mut sockets = SocketSet::new(vec![]);
        let relays = (0..CONNECTIONS).map(|_| {
            let buffer = || SocketBuffer::new(vec![0; config.buffer]);
            let mut socket = Socket::new(buffer(), buffer());
            socket.set_nagle_enabled(false);
            socket.set_ack_delay(None);
            socket.set_timeout(Some(config.timeout));
            socket.set_keep_alive(Some(config.timeout / 4));
            (sockets.add(socket), Relay::default())
        });
        let relays = relays.collect();
        let (port, server, served) = (config.port, config.server, Served::default());
        Self { device, interface, sockets, relays, port, server, served, failed: None }
    }

    /// Moves frames and data.
    pub fn poll(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.device, &mut self.sockets);
        for (handle, relay) in &mut self.relays {
            match relay.step(self.sockets.get_mut(*handle), self.server) {
                Step::Going => {}
                Step::Accepted => self.served.accepted += 1,
                Step::Finished => self.served.finished += 1,
                Step::Broken(error) => {
                    self.served.broken += 1;
                    self.failed = error.or(self.failed.take());
                }
            }
        }
        self.interface.poll(now, &mut self.device, &mut self.sockets);
        self.listen();
    }

    /// Whoever is free listens again; if nobody is, one that only waits for stray frames does.
    fn listen(&mut self) {
        let mut listening = false;
        for free in [State::Closed, State::TimeWait] {
            for (handle, relay) in &self.relays {
                let socket = self.sockets.get_mut::<Socket<'_>>(*handle);
                let spare = free == State::Closed || !listening;
                if spare && socket.state() == free && !relay.is_active() {
                    socket.abort();
                    socket.listen(self.port).ok();
                }
                listening |= socket.state() == State::Listen;
            }
        }
    }

    /// How long the caller may sleep unless a frame comes or [`wait`](Self::wait) returns.
    pub fn poll_delay(&mut self, now: Instant) -> Option<Duration> {
        self.interface.poll_delay(now, &self.sockets)
    }

    /// Sleeps until the server's side of a connection can go on, `also` can be read from, or
    /// `timeout` has passed; `None`: for as long as that takes.
    ///
    /// # Errors
    ///
    /// The system's, if it can't wait.
    pub fn wait(&self, timeout: Option<Duration>, also: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let relays = self.relays.iter();
        let streams =
            relays.filter_map(|(handle, relay)| relay.interest(self.sockets.get(*handle)));
        let also = also.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let mut fds: Vec<PollFd<'_>> = streams.chain(also).collect();
        wait(&mut fds, timeout)
    }

    /// What has become of the connections so far.
    pub const fn served(&self) -> Served {
        self.served
    }

    /// Whether any connection is being handed on.
    pub fn is_busy(&self) -> bool {
        self.relays.iter().any(|(_, relay)| relay.is_active())
    }

    /// What went wrong last between here and the server.
    pub const fn error(&self) -> Option<&io::Error> {
        self.failed.as_ref()
    }
}
