//! A simulated Ethernet segment, and what stands at its far end: for tests and the host programs.
//!
//! | item | what it is |
//! |---|---|
//! | [`segment`] | two ends of a cable in memory, with rate, latency, losses and damage by seed |
//! | [`VirtualClock`], [`WallClock`] | time that jumps to the next event, and time that passes |
//! | [`Gateway`] | a second stack that hands connections to a server on a real socket |
//! | [`Datagram`], [`patch`] | frames from and to another process, QEMU say, put on a segment |
//! | [`Capture`] | a pcap file of what a [`PcapWriter`](smoltcp::phy::PcapWriter) sees |
//!
//! There are no threads in here, and no sleeping but in the functions called `wait`.

mod capture;
mod clock;
mod datagram;
mod gateway;
mod lane;
mod relay;
mod segment;
mod wait;

pub use capture::Capture;
pub use clock::{Halted, VirtualClock, Visit, WallClock};
pub use datagram::{Datagram, patch};
pub use gateway::{Gateway, GatewayConfig, Served};
pub use lane::{Conditions, Counters};
pub use segment::{End, Monitor, RxToken, TxToken, segment};
