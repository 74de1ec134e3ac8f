//! Download files over TCP, to and from devices as small as a microcontroller: the library for
//! hosts.
//!
//! * [`Client`] (feature `client`) downloads a file by name: blocking, without an async runtime.
//! * [`server`] (feature `server`) serves a folder, on tokio.
//!
//! Both features are on by default, and made for Linux. The messages are those of [`codec`]; the
//! rules that the documentation cites (`R1` to `R36`) are those of `PROTOCOL.md`, the protocol's
//! definition. The program `fetchlet`, made of client and server, is the crate `fetchlet-cli`.
//!
//! # A download
//!
//! A file is whole or absent: [`Response::save`] writes beside the target and renames at the end.
//!
#![cfg_attr(feature = "client", doc = "```no_run")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use fetchlet::Client;
//!
//! let client = Client::new();
//! // To a file:
//! client.get("192.0.2.1:5000", "fw.bin")?.save("fw.bin")?;
//! // To memory, at most 64 KiB:
//! let settings = client.get("192.0.2.1:5000", "settings.toml")?.bytes(64 * 1024)?;
//! // To any writer, with progress:
//! let summary = client
//!     .get("192.0.2.1:5000", "fw.bin")?
//!     .on_progress(|progress| eprintln!("{} of {}", progress.received, progress.expected))
//!     .copy_to(&mut std::io::stdout())?;
//! eprintln!("{} bytes in {:?}", summary.len, summary.elapsed);
//! # Ok::<(), fetchlet::ClientError>(())
//! ```
//!
//! # Errors
//!
//! An error prints what happened, and gives the cause as its [`source`](std::error::Error::source);
//! no error prints its source. Print the whole chain to tell a person all of it.

#![forbid(unsafe_code)]

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
mod staging;

#[cfg(feature = "client")]
pub use client::{
    Checksum, ChecksumError, Client, ClientError, Response, ServerAddr, ServerAddrError, Summary,
    Verify,
};
pub use fetchlet_codec as codec;
pub use fetchlet_codec::Filename;
#[cfg(feature = "client")]
pub use fetchlet_codec::Progress;
#[cfg(feature = "client")]
pub use staging::{IfExists, Staging, StagingError, TargetKind, open_stream};
