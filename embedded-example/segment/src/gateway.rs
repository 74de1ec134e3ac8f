//! A smoltcp stack at the far end of a segment that relays each TCP connection to a real server.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags};
use smoltcp::iface::{self, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Cidr};

use crate::relay::{Relay, Step};
use crate::wait::wait;

/// The most connections relayed at once; further ones are refused. A device has one at a time;
/// earlier ones may still be in TIME-WAIT.
const MAX_CONNECTIONS: usize = 4;

/// The addresses, times and sizes of a [`Gateway`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "each is for the caller to decide")]
pub struct GatewayConfig {
    /// The gateway's MAC address; unique on its segment.
    pub mac_address: EthernetAddress,
    /// The gateway's IPv4 address on the segment, and the prefix length of the network there.
    pub address: Ipv4Cidr,
    /// The TCP port on which the gateway listens.
    pub port: u16,
    /// The address to which connections are relayed.
    pub server: SocketAddr,
    /// The seed of TCP sequence numbers; a different one at each start.
    pub random_seed: u64,
    /// The size in bytes of each of a connection's two buffers.
    pub buffer: usize,
    /// The longest time that a device on the segment may leave a keep-alive unanswered. A
    /// connection that exceeds this is reset.
    pub timeout: Duration,
}

/// Counts of the connections of a [`Gateway`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests compare all counts")]
pub struct ConnectionCounts {
    /// Connections accepted.
    pub accepted: u64,
    /// Accepted connections that both sides have ended.
    pub finished: u64,
    /// Connections that one side has reset, or that the server did not accept.
    pub broken: u64,
}

/// A smoltcp stack that listens on behalf of a real server. It relays bytes, ends and resets in
/// both directions, and knows nothing of the protocol.
pub struct Gateway<D: Device> {
    device: D,
    interface: Interface,
    sockets: SocketSet<'static>,
    relays: Vec<(SocketHandle, Relay)>,
    port: u16,
    server: SocketAddr,
    connections: ConnectionCounts,
    last_error: Option<io::Error>,
}

impl<D: Device> Gateway<D> {
    /// Makes a gateway that listens from its first poll on.
    pub fn new(mut device: D, config: &GatewayConfig, now: Instant) -> Self {
        let mut interface_config = iface::Config::new(config.mac_address.into());
        interface_config.random_seed = config.random_seed;
        let mut interface = Interface::new(interface_config, &mut device, now);
        // smoltcp has room for at least one address.
        interface.update_ip_addrs(|all| all.push(IpCidr::Ipv4(config.address)).unwrap_or_default());
        let mut sockets = SocketSet::new(vec![]);
        let relays = (0..MAX_CONNECTIONS).map(|_| {
            let buffer = || SocketBuffer::new(vec![0; config.buffer]);
            let mut socket = Socket::new(buffer(), buffer());
            socket.set_nagle_enabled(false);
            socket.set_ack_delay(None);
            socket.set_timeout(Some(config.timeout));
            socket.set_keep_alive(Some(config.timeout / 4));
            (sockets.add(socket), Relay::default())
        });
        let relays = relays.collect();
        Self {
            device,
            interface,
            sockets,
            relays,
            port: config.port,
            server: config.server,
            connections: ConnectionCounts::default(),
            last_error: None,
        }
    }

    /// Moves frames and data in both directions.
    pub fn poll(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.device, &mut self.sockets);
        for (handle, relay) in &mut self.relays {
            match relay.step(self.sockets.get_mut(*handle), self.server) {
                Step::Unchanged => {}
                Step::Accepted => self.connections.accepted += 1,
                Step::Finished => self.connections.finished += 1,
                Step::Broken(error) => {
                    self.connections.broken += 1;
                    self.last_error = error.or(self.last_error.take());
                }
            }
        }
        self.interface.poll(now, &mut self.device, &mut self.sockets);
        self.listen();
    }

    /// Lets every free socket listen again. If none is free, a socket in TIME-WAIT listens: it only
    /// waits for stray frames.
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

    /// The time that the caller may sleep unless a frame arrives or [`wait`](Self::wait) returns;
    /// `None` if only these lead to further work.
    pub fn poll_delay(&mut self, now: Instant) -> Option<Duration> {
        self.interface.poll_delay(now, &self.sockets)
    }

    /// Sleeps until the server's side of a connection can go on, `also` is readable, a signal
    /// arrives, or `timeout` has passed; without a timeout it sleeps until one of the others.
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

    /// Counts of the connections so far.
    pub const fn connections(&self) -> ConnectionCounts {
        self.connections
    }

    /// Whether any connection is being relayed.
    pub fn is_busy(&self) -> bool {
        self.relays.iter().any(|(_, relay)| relay.is_active())
    }

    /// The last error between the gateway and the server.
    pub const fn error(&self) -> Option<&io::Error> {
        self.last_error.as_ref()
    }
}
