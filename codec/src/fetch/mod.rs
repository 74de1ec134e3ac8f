//! The second pair of messages, FETCH (R18 to R36): a part of a file, its version, its digest, and
//! any number of files on one connection.

mod answer;
mod checkpoint;
mod client;
mod error;
mod grammar;
mod known;
mod request;
mod response;
mod serve;
mod served_file;
mod tag;
mod terms;
mod version;

pub use answer::AnswerError;
pub use checkpoint::Checkpoint;
pub use client::{Fetch, FetchEvent};
pub use error::FetchError;
pub use known::Known;
pub use request::FetchRequest;
pub use response::{FetchResponse, FetchResponseHead};
pub use serve::{Serve, ServeRequest};
pub use served_file::ServedFile;
pub use tag::{Digest, Tag};
pub use terms::Condition;
pub use version::Version;
