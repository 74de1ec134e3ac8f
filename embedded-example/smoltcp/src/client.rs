//! The client that a device's main loop owns: an interface, one socket, and the transfer on it.

use core::task::Poll;

use fetchlet_codec::Filename;
use smoltcp::iface::{self, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpCidr, Ipv4Address, Ipv4Cidr};

use crate::config::{Config, ConfigError, Storage, is_other_host};
use crate::error::TransferError;
use crate::sink::Sink;
use crate::transfer::Transfer;

/// Fetches one file at a time over a network device: interface, socket and transfer in one.
///
/// `D` is the network device, `N` the length in bytes of the longest filename, at most 1024 (R2).
/// [`fetch`](Self::fetch) starts a download and [`poll`](Self::poll) carries it on; between two
/// polls the caller may sleep for [`poll_delay`](Self::poll_delay) or until the device has a frame.
///
/// ```
/// use fetchlet_codec::Filename;
/// use fetchlet_smoltcp::{Client, Config, Storage};
/// use smoltcp::iface::SocketStorage;
/// use smoltcp::phy::{Loopback, Medium};
/// use smoltcp::time::{Duration, Instant};
/// use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};
///
/// let (mut receive, mut transmit) = ([0; 4096], [0; 128]);
/// let mut socket = [SocketStorage::EMPTY];
/// let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
/// let config = Config {
///     mac_address: EthernetAddress([0x02, 0, 0, 0, 0, 1]),
///     address: Ipv4Cidr::new(Ipv4Address::new(192, 0, 2, 10), 24),
///     gateway: None,
///     random_seed: 1,
///     timeout: Duration::from_secs(10),
///     ack_delay: None,
/// };
/// let device = Loopback::new(Medium::Ethernet);
/// let mut client: Client<'_, _, 64> = Client::new(device, &config, storage, Instant::ZERO)?;
/// client.fetch(Filename::new("board/v2.bin")?, Ipv4Address::new(192, 0, 2, 1), 5000)?;
/// assert!(client.transfer().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client<'a, D: Device, const N: usize> {
    device: D,
    interface: Interface,
    sockets: SocketSet<'a>,
    handle: SocketHandle,
    transfer: Option<Transfer<N>>,
    timeout: Duration,
    /// The interface's own address and network.
    network: Ipv4Cidr,
    has_gateway: bool,
    local_port: u16,
}

/// The first port of those that are assigned to no service, 49152 to 65535 (RFC 6335, section 6).
const FIRST_LOCAL_PORT: u16 = 0xC000;

impl<'a, D: Device, const N: usize> Client<'a, D, N> {
    /// Makes a client that fetches nothing yet.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if an address in `config` can't be that of one host.
    pub fn new(
        mut device: D,
        config: &Config,
        storage: Storage<'a>,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut interface_config = iface::Config::new(config.mac_address.into());
        interface_config.random_seed = config.random_seed;
        let mut interface = Interface::new(interface_config, &mut device, now);
        // smoltcp has room for at least one address and one route.
        interface.update_ip_addrs(|all| all.push(IpCidr::Ipv4(config.address)).unwrap_or_default());
        if let Some(gateway) = config.gateway {
            interface.routes_mut().add_default_ipv4_route(gateway).ok();
        }
        let receive = tcp::SocketBuffer::new(storage.receive);
        let mut socket = tcp::Socket::new(receive, tcp::SocketBuffer::new(storage.transmit));
        socket.set_ack_delay(config.ack_delay);
        socket.set_nagle_enabled(false);
        let mut sockets = SocketSet::new(&mut storage.socket[..]);
        let handle = sockets.add(socket);
        Ok(Self {
            device,
            interface,
            sockets,
            handle,
            transfer: None,
            timeout: config.timeout,
            network: config.address,
            has_gateway: config.gateway.is_some(),
            local_port: first_local_port(config.random_seed),
        })
    }

    /// Starts to fetch the file `filename` from `server`. A download that is under way is given up
    /// without a word to its server.
    ///
    /// # Errors
    ///
    /// [`Unaddressable`](tcp::ConnectError::Unaddressable) if `port` is 0, if `server` can't be
    /// another host's address, or if `server` is on another network and there is no gateway. The
    /// client then fetches nothing.
    pub fn fetch(
        &mut self,
        filename: Filename<N>,
        server: Ipv4Address,
        port: u16,
    ) -> Result<(), tcp::ConnectError> {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.handle);
        socket.abort();
        self.transfer = None;
        let reachable = self.has_gateway || self.network.contains_addr(&server);
        if !reachable || !is_other_host(server, self.network) {
            return Err(tcp::ConnectError::Unaddressable);
        }
        self.local_port = FIRST_LOCAL_PORT | self.local_port.wrapping_add(1);
        socket.connect(self.interface.context(), (server, port), self.local_port)?;
        self.transfer = Some(Transfer::new(filename, self.timeout));
        Ok(())
    }

    /// Moves frames and data. Returns the file's length in bytes once `sink` has finished the file;
    /// pending until then, and whenever the client fetches nothing.
    ///
    /// After the end the caller goes on polling until [`is_closed`](Self::is_closed), for a bounded
    /// time: the server waits for the end of the connection.
    ///
    /// # Errors
    ///
    /// A [`TransferError`], which ends the download; [`fetch`](Self::fetch) may be called again.
    pub fn poll<S: Sink>(
        &mut self,
        now: Instant,
        sink: &mut S,
    ) -> Poll<Result<u32, TransferError<S::Error>>> {
        self.interface.poll(now, &mut self.device, &mut self.sockets);
        let Some(transfer) = &mut self.transfer else { return Poll::Pending };
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.handle);
        let polled = transfer.poll(socket, now, sink);
        if polled.is_ready() {
            self.transfer = None;
            // A reset leaves nothing that would ask for a further poll.
            self.interface.poll(now, &mut self.device, &mut self.sockets);
        }
        polled
    }

    /// The time that the caller may sleep unless the device has a frame; `None` if only a frame can
    /// lead to further work.
    pub fn poll_delay(&mut self, now: Instant) -> Option<Duration> {
        let stack = self.interface.poll_delay(now, &self.sockets);
        let deadline = self.transfer.as_ref().and_then(Transfer::deadline);
        let transfer = deadline.map(|at| if at > now { at - now } else { Duration::ZERO });
        match (stack, transfer) {
            (Some(stack), Some(transfer)) => Some(stack.min(transfer)),
            (stack, transfer) => stack.or(transfer),
        }
    }

    /// The transfer under way; `None` before the first and after each.
    pub const fn transfer(&self) -> Option<&Transfer<N>> {
        self.transfer.as_ref()
    }

    /// Whether there is no connection, or it has ended on both sides.
    pub fn is_closed(&self) -> bool {
        !self.sockets.get::<tcp::Socket<'_>>(self.handle).is_active()
    }

    /// The network device.
    pub const fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }
}

/// The first local port for a seed. Multiplied by 2^64 divided by the golden ratio, seeds that
/// follow each other give ports that are far apart.
fn first_local_port(seed: u64) -> u16 {
    let [high, low, ..] = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    FIRST_LOCAL_PORT | u16::from_be_bytes([high, low])
}
