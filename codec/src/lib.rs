//! The fetchlet file download protocol: its messages, and the client as a machine without I/O.
//!
//! A client asks for a file by name over TCP, a server answers with a status, a length and the
//! file's bytes. The wire is described rule by rule in `PROTOCOL.md` at the root of the repository;
//! the numbers there (`R1` to `R17`) are the ones cited here and in every error text.
//!
//! # Scope
//!
//! * [`Filename`], [`Request`], [`Status`], [`ResponseHeader`]: values that are valid by construction.
//! * [`RequestDecoder`], [`ResponseDecoder`]: messages out of bytes that come in any number of pieces.
//! * [`Download`]: the whole client, driven by whatever moves bytes. It never reads a clock, never
//!   allocates, never panics, and keeps no copy of the file: data is lent from your own buffer.
//! * `embedded_io::fetch` and `embedded_io_async::fetch`, behind features of these names: that
//!   client on any connection that has the traits, an embassy-net socket among them.
//!
//! # Not in scope
//!
//! Connecting, timeouts (R15) and retries belong to the driver, since they need a clock. So do file
//! systems: which name leads to which file (R8) and where the bytes go (R14). The protocol has no
//! encryption and no authentication; run it inside a tunnel where the network is not yours.
//!
//! # The client's states
//!
//! ```text
//!                transmit() until it returns 0
//!                          |
//!                          v             Event::Header
//!   receive() ---> [ response header ] ----------------> [ data ] --+ Event::Data
//!                          |                              |   ^     |
//!                          | DecodeError                  |   +-----+
//!                          v                              v  the announced length has come
//!                     [ failed ]                      [ done ]  Event::End
//!
//!   connection ended:  header: ClosedInHeader   data: ClosedInData   done: Ok(())
//! ```
//!
//! # A walk-through
//!
//! ```
//! use fetchlet_codec::{Download, Event, Filename, Request, Status};
//!
//! // A device that keeps names of up to 64 bytes says so in its type.
//! let name = Filename::<64>::new("h.txt")?;
//! let mut download = Download::new(Request::new(name));
//!
//! // Send: hand it room, get request bytes, as many as fit.
//! let mut out = [0; 8];
//! assert_eq!(download.transmit(&mut out), 8);
//! assert_eq!(out, *b"\x49\x7E\x01\x00\x05h.t");
//! assert_eq!(download.transmit(&mut out), 2);
//! assert_eq!(out[..2], *b"xt");
//! assert_eq!(download.transmit(&mut out), 0);
//!
//! // Receive: whatever the connection returned, cut anywhere (R4).
//! let mut input: &[u8] = b"\x49\x7E\x02";
//! assert!(download.receive(&mut input)?.is_none());
//! assert!(input.is_empty());
//!
//! let mut file = Vec::new();
//! let mut input: &[u8] = b"\x01\x00\x00\x00\x05hel";
//! while let Some(event) = download.receive(&mut input)? {
//!     match event {
//!         Event::Header(header) => {
//!             assert_eq!((header.status(), header.data_len()), (Status::File, 5));
//!         }
//!         Event::Data(data) => file.extend_from_slice(data),
//!         Event::End => unreachable!("two bytes are missing"),
//!     }
//! }
//! assert!(!download.is_done());
//!
//! let mut input: &[u8] = b"lo, and bytes that are not ours";
//! while let Some(event) = download.receive(&mut input)? {
//!     if let Event::Data(data) = event {
//!         file.extend_from_slice(data);
//!     }
//! }
//! assert!(download.is_done());
//! assert_eq!(file, b"hello");
//! assert_eq!(input, b", and bytes that are not ours"); // R13
//!
//! // Only this says that the file is whole (R12).
//! download.finish()?;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Sizes
//!
//! What a value takes in RAM, in bytes; nothing is allocated besides.
//!
//! | type | 32-bit targets | 64-bit targets |
//! |---|---:|---:|
//! | `Filename<N>`, `Request<N>` | N + 2, to even | N + 2, to even |
//! | [`Download<64>`](Download) | 84 | 84 |
//! | [`Download<1024>`](Download) | 1044 | 1044 |
//! | [`RequestDecoder<64>`](RequestDecoder) | 72 | 72 |
//! | [`RequestDecoder<1024>`](RequestDecoder) | 1032 | 1032 |
//! | [`ResponseDecoder`] | 16 | 16 |
//!
//! # Features
//!
//! All are off by default, and none changes what is accepted.
//!
//! | feature | adds |
//! |---|---|
//! | `defmt` | `defmt::Format` on every public type |
//! | `embedded-io` | `embedded_io::fetch`, on embedded-io 0.7 |
//! | `embedded-io-async` | `embedded_io_async::fetch`, on embedded-io-async 0.7 |
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Firmware has nowhere to unwind to: every line that could panic is refused where it is written.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod download;
#[cfg(feature = "embedded-io")]
pub mod embedded_io;
#[cfg(feature = "embedded-io-async")]
pub mod embedded_io_async;
mod error;
#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
mod fetch;
mod filename;
mod request;
mod request_decoder;
mod response;
mod wire;

pub use download::{Download, DownloadError, Event, Progress};
pub use error::{BufferTooSmall, DecodeError};
#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
pub use fetch::FetchError;
pub use filename::{Filename, FilenameError};
pub use request::Request;
pub use request_decoder::RequestDecoder;
pub use response::{ResponseDecoder, ResponseHeader, Status};
pub use wire::{MAGIC, MAX_FILENAME, REQUEST_HEADER, RESPONSE_HEADER};
