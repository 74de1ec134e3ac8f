//! A simulated Ethernet segment for smoltcp devices, and a gateway from it to real servers: for
//! tests, for programs on hosts, and for firmware in an emulator.
//!
//! | item | what it is |
//! |---|---|
//! | [`segment`] | a cable between two [`Endpoint`]s: rate, latency, loss and damage by seed |
//! | [`Monitor`] | counts the frames of a segment, and tells when the next one arrives |
//! | [`VirtualClock`], [`WallClock`] | a clock that jumps to the next event, and one that runs |
//! | [`Gateway`] | a smoltcp stack that relays its TCP connections to a server on a real socket |
//! | [`Datagram`], [`patch`] | the network device of another process, QEMU say, put on a segment |
//! | [`Capture`] | a pcap file of the frames that a [`PcapWriter`](smoltcp::phy::PcapWriter) sees |
//!
//! The crate starts no threads. Only [`Gateway::wait`] sleeps.

mod cable;
mod capture;
mod clock;
mod datagram;
mod gateway;
mod relay;
mod simplex_link;
mod wait;

pub use cable::{Endpoint, Monitor, RxToken, TxToken, segment};
pub use capture::Capture;
pub use clock::{Halted, VirtualClock, Visit, WallClock};
pub use datagram::{Datagram, patch};
pub use gateway::{ConnectionCounts, Gateway, GatewayConfig};
pub use simplex_link::{FrameCounters, LinkConditions};
