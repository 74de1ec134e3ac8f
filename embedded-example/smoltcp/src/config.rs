//! The addresses, times and memory of a client, and the errors of wrong ones.

use core::fmt;

use smoltcp::iface::SocketStorage;
use smoltcp::time::Duration;
use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};

/// The addresses and times of a [`Client`](crate::Client).
// smoltcp's own formats would need its feature `defmt`, which excludes its `log` on hosts.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_structs, reason = "firmware decides each of these, a new one as well")]
pub struct Config {
    /// The MAC address of the interface; unique on its Ethernet segment.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub mac_address: EthernetAddress,
    /// The interface's IPv4 address and the prefix length of its network.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub address: Ipv4Cidr,
    /// The router to other networks, if there is one; a host on the interface's own network.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub gateway: Option<Ipv4Address>,
    /// The seed of local ports and TCP sequence numbers; a different one at each start. With a
    /// repeated seed the server takes a connection for the last one's rest, and answers a second
    /// later.
    pub random_seed: u64,
    /// The longest time that the server may move nothing, while connecting and afterwards (R15);
    /// at most [`MAX_TIMEOUT`](crate::MAX_TIMEOUT).
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub timeout: Duration,
    /// The longest time that TCP delays an acknowledgement to cover further data with it. With a
    /// receive buffer of less than 16 KiB, `None` makes a download two to five times as fast.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub ack_delay: Option<Duration>,
}

/// The memory of a [`Client`](crate::Client), lent by the caller: `static` in firmware.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the caller lends each of these, a new one as well")]
pub struct Storage<'a> {
    /// The TCP receive buffer. Its length in bytes is the window, and bounds the throughput to one
    /// window per round trip.
    pub receive: &'a mut [u8],
    /// The TCP transmit buffer. A request has 5 bytes and those of the name (R2), and may be sent
    /// in parts.
    pub transmit: &'a mut [u8],
    /// The memory of the one socket.
    pub socket: &'a mut [SocketStorage<'a>; 1],
}

/// The address in a [`Config`] that no client can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// [`Config::mac_address`] is a multicast or the broadcast address.
    MacAddress,
    /// [`Config::address`] is a multicast, the broadcast or the unspecified address.
    Address,
    /// [`Config::gateway`] is no address of another host on the interface's network.
    Gateway,
}

impl Config {
    /// Finds the addresses over which smoltcp would panic.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let own = self.address.address();
        if !self.mac_address.is_unicast() {
            return Err(ConfigError::MacAddress);
        }
        if own.is_unspecified() || own.is_broadcast() || own.is_multicast() {
            return Err(ConfigError::Address);
        }
        match self.gateway {
            Some(it) if !is_other_host(it, self.address) || !self.address.contains_addr(&it) => {
                Err(ConfigError::Gateway)
            }
            _ => Ok(()),
        }
    }
}

/// Whether `address` can be that of a host other than the one with the address `own`.
pub(crate) fn is_other_host(address: Ipv4Address, own: Ipv4Cidr) -> bool {
    let group = address.is_broadcast() || address.is_multicast() || address.is_unspecified();
    !group && address != own.address() && own.broadcast() != Some(address)
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MacAddress => "the MAC address is not that of one device",
            Self::Address => "the address is not that of one host",
            Self::Gateway => "the gateway is not another host on the device's own network",
        })
    }
}

impl core::error::Error for ConfigError {}
