//! The blocking client: connect, ask, receive.
//!
//! The way of the data: `connect` makes a connection, `exchange` reads buffers from it, and a
//! `buffer` writer takes each (`checksum` in the same thread, `pipeline` for files in another).

mod address;
mod buffer;
mod checksum;
mod connect;
mod error;
mod exchange;
mod get;
mod interrupted;
mod pipeline;
mod race;
mod resolver;
mod response;
mod transient;

pub use address::{ServerAddr, ServerAddrError};
pub use checksum::{Checksum, ChecksumError, Verify};
pub use error::ClientError;
pub use get::Client;
pub use response::{Response, Summary};
