//! The fetchlet client on a smoltcp stack: what a device's main loop owns, and nothing else.
//!
//! | module | what it is |
//! |---|---|
//! | [`Transfer`] | a [`Download`](fetchlet_codec::Download) on a TCP socket: no device, no interface |
//! | [`Station`] | interface, socket and transfer over any [`phy::Device`](smoltcp::phy::Device) |
//! | [`Sink`], [`Blocks`], [`Checksum`] | where the bytes go: a flash writer, a checksum |
//! | `link` (feature `std`) | a simulated Ethernet segment with losses and a clock of its own |
//!
//! Nothing here allocates or reads a clock: memory and time are the caller's. Copy `station.rs`,
//! `transfer.rs`, `sink.rs` and `crc32.rs` into firmware of your own and replace the device.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

#[cfg(feature = "std")]
extern crate std;

mod crc32;
#[cfg(feature = "std")]
pub mod link;
mod sink;
mod station;
mod transfer;

pub use sink::{Block, BlockWriter, Blocks, Checksum, Sink};
pub use station::{Config, ConfigError, Station, Storage};
pub use transfer::{Transfer, TransferError};
