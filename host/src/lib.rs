//! Download files over TCP, to and from devices as small as a microcontroller: the hosts' side.
//!
//! * [`Client`] (feature `client`) downloads a file by name: blocking, without an async runtime.
//! * [`server`] (feature `server`) serves a folder, on tokio.
//!
//! Both are on by default, and made for Linux. The wire is [`codec`]'s, the rules cited (`R1` to `R17`)
//! are those of `PROTOCOL.md` at the root of the repository. The program `fetchlet`, made of the two, is
//! the crate `fetchlet-cli`.
//!
//! # A download
//!
//! ```no_run
//! use std::path::Path;
//! use fetchlet::{Client, Existing, Filename};
//!
//! let name = Filename::new("firmware.bin")?;
//! let report = Client::new().download_to_file(
//!     "192.0.2.1",
//!     5000,
//!     name,
//!     Path::new("firmware.bin"),
//!     Existing::Keep,
//!     |progress| println!("{} of {}", progress.received, progress.expected),
//! )?;
//! println!("{} bytes in {:?}", report.bytes, report.elapsed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
mod staging;

#[cfg(feature = "client")]
pub use client::{
    Checksum, ChecksumError, Client, ClientError, Progress, Report, Response, Unfinished, Verify,
};
pub use fetchlet_codec as codec;
pub use fetchlet_codec::Filename;
#[cfg(feature = "client")]
pub use staging::{Existing, Staging, StagingError};
