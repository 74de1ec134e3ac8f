//! The fetchlet client on a [smoltcp] stack: what a device's main loop owns, and nothing else.
//!
//! | item | what it is |
//! |---|---|
//! | [`Client`] | interface, socket and transfer over any [`phy::Device`](smoltcp::phy::Device) |
//! | [`Transfer`] | one download on a TCP [`Socket`](smoltcp::socket::tcp::Socket) of your stack |
//! | [`Sink`] | takes the file's bytes as they arrive |
//! | [`Blocks`] | a sink that cuts the file into blocks for a flash driver ([`BlockWriter`]) |
//! | [`Crc32Sink`] | a sink that computes the file's CRC-32 and passes the bytes on |
//!
//! The crate allocates nothing and reads no clock: the caller lends the memory ([`Storage`]) and
//! passes the time to each call. The messages are [`fetchlet_codec`]'s; the rules cited as `R12`
//! are those of [the protocol](https://docs.rs/fetchlet-codec).
//!
//! [The README](https://docs.rs/crate/fetchlet-smoltcp) has a main loop, a flash driver, and how
//! the sizes of the buffers bound the throughput; `examples/fetch_on_smoltcp.rs` fetches a file end
//! to end on a host.
//!
//! # Features
//!
//! - `defmt`: [`defmt::Format`](https://docs.rs/defmt) on [`Config`], [`Block`] and the errors.
//! - `crc-large-table`: 16 KiB of CRC-32 tables instead of 4 KiB, at twice the speed on hosts.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

mod blocks;
mod client;
mod config;
mod crc32;
mod crc32_sink;
mod error;
mod sink;
mod transfer;

pub use blocks::{Block, BlockWriter, Blocks};
pub use client::Client;
pub use config::{Config, ConfigError, Storage};
pub use crc32_sink::Crc32Sink;
pub use error::TransferError;
pub use sink::Sink;
pub use transfer::{MAX_TIMEOUT, Transfer};

/// The Rust in README.md compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
