//! The fetchlet file download protocol: its messages, and a client without I/O.
//!
//! A client asks for a file by name over TCP. A server answers with a status, a length and the
//! file's bytes. A second pair of messages, FETCH, asks for a part of a file, with proof of which
//! version it is of. [`protocol`] describes the wire in numbered rules (`R1` to `R36`), which this
//! documentation and every error text cite.
//!
//! # Scope
//!
//! * [`Filename`], [`Request`], [`Status`], [`ResponseHeader`]: values that are valid by
//!   construction.
//! * [`RequestDecoder`], [`ResponseDecoder`]: messages from bytes that arrive in any number of
//!   pieces.
//! * [`Download`]: the whole client, driven by any code that moves bytes. `Download` reads no
//!   clock, allocates nothing, cannot panic, and copies no data: the file's bytes are lent from the
//!   caller's buffer.
//! * [`FetchRequest`], [`FetchResponse`], [`Known`], [`Version`], [`Tag`], [`Digest`]: the values
//!   of FETCH, as valid as the others.
//! * [`Fetch`]: the client of FETCH, for one request after another on a connection; [`Serve`]: the
//!   server's side of a connection, for both pairs; [`ServedFile`]: which answer follows from a
//!   file.
//! * [`Checkpoint`]: the record of an unfinished file, which outlives a power failure.
//! * `embedded_io::fetch` and `embedded_io_async::fetch`, behind features of these names: the same
//!   client on any connection that implements these traits, such as a socket of embassy-net.
//!
//! # Not in scope
//!
//! Connecting, timeouts (R15) and retries belong to the code that drives a `Download`, since they
//! need a clock. So do file systems: which name leads to which file (R8) and where the bytes are
//! stored (R14). The protocol has no encryption and no authentication: on a network that is not
//! yours, use a tunnel.
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
//!                          v                              v  all announced data received
//!                     [ failed ]                      [ done ]  Event::End
//!
//!   finish() when the connection ends in
//!     response header: ClosedInHeader    data: ClosedInData    done: Ok(())
//! ```
//!
//! # A walk-through
//!
//! ```
//! use fetchlet_codec::{Download, Event, Filename, Request, Status};
//!
//! // The type sets the longest name: here 64 bytes.
//! let name = Filename::<64>::new("h.txt")?;
//! let mut download = Download::new(Request::new(name));
//!
//! // Send: `transmit` copies as many bytes of the request as fit into `out`.
//! let mut out = [0; 8];
//! assert_eq!(download.transmit(&mut out), 8);
//! assert_eq!(out, *b"\x49\x7E\x01\x00\x05h.t");
//! assert_eq!(download.transmit(&mut out), 2);
//! assert_eq!(out[..2], *b"xt");
//! assert_eq!(download.transmit(&mut out), 0);
//!
//! // Receive: `receive` takes the bytes that the connection returned, cut anywhere (R4).
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
//! let mut input: &[u8] = b"lo, and other bytes";
//! while let Some(event) = download.receive(&mut input)? {
//!     if let Event::Data(data) = event {
//!         file.extend_from_slice(data);
//!     }
//! }
//! assert!(download.is_done());
//! assert_eq!(file, b"hello");
//! assert_eq!(input, b", and other bytes"); // R13
//!
//! // The file is whole only if `finish` returns `Ok` (R12).
//! download.finish()?;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Sizes
//!
//! The size of a value in RAM, in bytes. Nothing else is allocated. A build for a target fails if a
//! type takes more than this table says.
//!
//! | type | 32-bit targets | 64-bit targets |
//! |---|---:|---:|
//! | `Filename<N>`, `Request<N>` | N + 2, to even | N + 2, to even |
//! | [`Download<64>`](Download) | 84 | 84 |
//! | [`Download<1024>`](Download) | 1044 | 1044 |
//! | [`RequestDecoder<64>`](RequestDecoder) | 72 | 72 |
//! | [`RequestDecoder<1024>`](RequestDecoder) | 1032 | 1032 |
//! | [`ResponseDecoder`] | 16 | 16 |
//! | [`Fetch<64>`](Fetch) | 224 | 224 |
//! | [`Fetch<1024>`](Fetch) | 1184 | 1184 |
//! | [`FetchResponse`] | 104 | 104 |
//! | [`Serve<64>`](Serve) | 144 | 144 |
//! | [`Serve<1024>`](Serve) | 1104 | 1104 |
//!
//! # Features
//!
//! All features are off by default. None changes which bytes are accepted.
//!
//! | feature | adds |
//! |---|---|
//! | `defmt` | `defmt::Format` on every public type |
//! | `embedded-io` | `embedded_io::fetch`, for embedded-io 0.7 |
//! | `embedded-io-async` | `embedded_io_async::fetch`, for embedded-io-async 0.7 |
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Firmware cannot unwind, so clippy refuses every line that could panic.
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
mod exchange_error;
mod fetch;
mod filename;
mod filename_buffer;
mod grammar;
#[cfg(feature = "defmt")]
mod loggable;
pub mod protocol;
mod request;
mod request_decoder;
mod response;
mod response_decoder;
mod sizes;
mod wire;

pub use download::{Download, DownloadError, Event, Progress};
pub use error::{BufferTooSmall, DecodeError, Preamble};
#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
pub use exchange_error::ExchangeError;
pub use fetch::{
    AnswerError, Checkpoint, Condition, Digest, Fetch, FetchError, FetchEvent, FetchRequest,
    FetchResponse, FetchResponseHead, Known, Serve, ServeRequest, ServedFile, Tag, Version,
};
pub use filename::{Filename, FilenameError};
pub use request::Request;
pub use request_decoder::RequestDecoder;
pub use response::{ResponseHeader, Status};
pub use response_decoder::ResponseDecoder;
pub use wire::{
    FETCH_REQUEST_HEADER, FETCH_RESPONSE_HEADER, MAGIC, MAX_FILENAME, MAX_TOTAL, REQUEST_HEADER,
    RESPONSE_HEADER,
};

/// The Rust code of `README.md`, compiled and run by `cargo test`.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
