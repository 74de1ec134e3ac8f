//! What the embedded-io adapters share: how a fetch can fail.

use core::fmt;

use crate::DownloadError;

/// Why a file was not fetched. `C` is the connection's error, `S` the sink's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FetchError<C, S> {
    /// The connection failed.
    Connection(C),
    /// The sink failed; what it holds is not the file.
    Sink(S),
    /// The sink took no more bytes (its `write` returned 0).
    SinkFull,
    /// What came is not a response, or it ended early, with both counts.
    Download(DownloadError),
    /// The server has no such file (R8). The sink was given nothing.
    NotFound,
    /// The server found the request malformed (R5). The sink was given nothing.
    Malformed,
    /// The buffer given has no room for even a byte. Nothing was sent.
    EmptyBuffer,
}

impl<C: fmt::Debug, S: fmt::Debug> fmt::Display for FetchError<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the connection failed: {error:?}"),
            Self::Sink(error) => write!(f, "the sink failed: {error:?}"),
            Self::SinkFull => write!(f, "the sink takes no more bytes"),
            Self::Download(error) => fmt::Display::fmt(error, f),
            Self::Malformed => write!(f, "the server found the request malformed (R5)"),
            Self::NotFound => write!(f, "the server has no such file (R8)"),
            Self::EmptyBuffer => write!(f, "the buffer is empty: give it at least a byte"),
        }
    }
}

impl<C: fmt::Debug, S: fmt::Debug> core::error::Error for FetchError<C, S> {}

impl<C, S> From<DownloadError> for FetchError<C, S> {
    fn from(error: DownloadError) -> Self {
        Self::Download(error)
    }
}
