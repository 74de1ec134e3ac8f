//! What a device's main loop owns: an interface, one socket, and the transfer on it.
//!
//! Copy this file, with `transfer.rs`, `sink.rs` and `crc32.rs`, into firmware of your own and replace
//! the device; there is nothing else to it.

use core::fmt;
use core::task::Poll;

use fetchlet_codec::Filename;
use smoltcp::iface::{self, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use crate::{Sink, Transfer, TransferError};

/// What a station is called, and how it behaves.
// smoltcp's own formats would need its feature `defmt`, which excludes its `log` on hosts.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// The interface's own hardware address; unique on its segment.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub hardware: EthernetAddress,
    /// Its address and the prefix length of its network.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub address: Ipv4Cidr,
    /// The way to other networks, if there is one.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub gateway: Option<Ipv4Address>,
    /// Fresh at each start, else the server may take a new connection for the last one's rest and
    /// let it wait for a second.
    pub seed: u64,
    /// How long to wait for a peer that moves nothing (R15).
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub timeout: Duration,
    /// How long an acknowledgement may wait for company. With less than 16 KiB to receive into, none
    /// is two to five times as fast.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub ack_delay: Option<Duration>,
}

/// The memory of a station, lent by the caller: `static` in firmware.
#[derive(Debug)]
pub struct Storage<'a> {
    /// What is received waits here; its length is the window, and bounds the throughput.
    pub receive: &'a mut [u8],
    /// What is sent waits here until it is acknowledged; a request is 5 bytes and the name.
    pub transmit: &'a mut [u8],
    /// Room for the one socket.
    pub socket: &'a mut [SocketStorage<'a>; 1],
}

/// A device on a network that fetches one file at a time.
pub struct Station<'a, D: Device, const N: usize> {
    device: D,
    interface: Interface,
    sockets: SocketSet<'a>,
    handle: SocketHandle,
    transfer: Option<Transfer<N>>,
    timeout: Duration,
    network: Ipv4Cidr,
    routed: bool,
    local_port: u16,
}

/// Why no station can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// The hardware address is one of a group, or of all.
    HardwareAddress,
    /// The address is one of a group, of all, or of none.
    Address,
    /// The gateway is, or it is not on the station's network.
    Gateway,
}

/// The ports that are nobody's: 49152 to 65535.
const FIRST_LOCAL_PORT: u16 = 0xC000;

impl<'a, D: Device, const N: usize> Station<'a, D, N> {
    /// A station that fetches nothing yet.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if an address in `config` can't be a host's.
    pub fn new(
        mut device: D,
        config: &Config,
        storage: Storage<'a>,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut interface_config = iface::Config::new(config.hardware.into());
        interface_config.random_seed = config.seed;
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
            routed: config.gateway.is_some(),
            local_port: spread(config.seed),
        })
    }

    /// Starts to fetch a file; one that is under way is broken off, and its server not told.
    ///
    /// # Errors
    ///
    /// If `port` is 0, if `server` is no address of another host, or if it is on another network and
    /// there is no gateway. Nothing is being fetched then.
    pub fn fetch(
        &mut self,
        filename: Filename<N>,
        server: Ipv4Address,
        port: u16,
    ) -> Result<(), tcp::ConnectError> {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.handle);
        socket.abort();
        self.transfer = None;
        if !is_host(server, self.network) || !(self.routed || self.network.contains_addr(&server)) {
            return Err(tcp::ConnectError::Unaddressable);
        }
        self.local_port = FIRST_LOCAL_PORT | self.local_port.wrapping_add(1);
        socket.connect(self.interface.context(), (server, port), self.local_port)?;
        self.transfer = Some(Transfer::new(filename, self.timeout));
        Ok(())
    }

    /// Moves frames and data; ready with the file's length once `sink` has finished it. Pending for
    /// ever if nothing is being fetched.
    ///
    /// Go on polling afterwards until [`is_closed`](Self::is_closed): the peer waits for the end of
    /// the connection.
    ///
    /// # Errors
    ///
    /// A [`TransferError`]; [`fetch`](Self::fetch) may be called again.
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

    /// How long the caller may sleep unless a frame comes; `None`: until one does.
    pub fn poll_delay(&mut self, now: Instant) -> Option<Duration> {
        let stack = self.interface.poll_delay(now, &self.sockets);
        let deadline = self.transfer.as_ref().and_then(Transfer::deadline);
        let transfer = deadline.map(|at| if at > now { at - now } else { Duration::ZERO });
        match (stack, transfer) {
            (Some(stack), Some(transfer)) => Some(stack.min(transfer)),
            (stack, transfer) => stack.or(transfer),
        }
    }

    /// The transfer under way.
    pub const fn transfer(&self) -> Option<&Transfer<N>> {
        self.transfer.as_ref()
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        !self.sockets.get::<tcp::Socket<'_>>(self.handle).is_active()
    }

    /// The device.
    pub const fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }
}

impl Config {
    /// smoltcp panics over these.
    fn check(&self) -> Result<(), ConfigError> {
        let own = self.address.address();
        if !self.hardware.is_unicast() {
            return Err(ConfigError::HardwareAddress);
        }
        if own.is_unspecified() || own.is_broadcast() || own.is_multicast() {
            return Err(ConfigError::Address);
        }
        match self.gateway {
            Some(it) if !is_host(it, self.address) || !self.address.contains_addr(&it) => {
                Err(ConfigError::Gateway)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HardwareAddress => "the hardware address is not that of one device",
            Self::Address => "the address is not that of one host",
            Self::Gateway => "the gateway is not another host on the station's own network",
        })
    }
}

impl core::error::Error for ConfigError {}

/// Whether this can be another host than the one that has `own`.
fn is_host(address: Ipv4Address, own: Ipv4Cidr) -> bool {
    let group = address.is_broadcast() || address.is_multicast() || address.is_unspecified();
    !group && address != own.address() && own.broadcast() != Some(address)
}

/// A local port that is far from the one that the next seed gives, which may be the next number.
fn spread(seed: u64) -> u16 {
    let [high, low, ..] = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    FIRST_LOCAL_PORT | u16::from_be_bytes([high, low])
}
