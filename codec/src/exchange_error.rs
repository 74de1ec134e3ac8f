//! The error that both embedded-io adapters return.

use core::error::Error;
use core::fmt;

use crate::DownloadError;

/// The reason why a file was not fetched. `C` is the connection's error, `S` the sink's.
///
/// [`source`](Error::source) returns the connection's or the sink's error, which the text of this
/// error does not repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ExchangeError<C, S> {
    /// Reading from or writing to the connection failed.
    Connection(C),
    /// Writing to the sink failed; the sink holds only a part of the file.
    Sink(S),
    /// The sink accepted no more bytes: its `write` returned 0.
    SinkFull,
    /// The response is malformed (R11), or the connection ended early (R12).
    Download(DownloadError),
    /// The server has no such file (R8). Nothing was written to the sink.
    NotFound,
    /// The server found the request malformed (R5). Nothing was written to the sink.
    Malformed,
    /// The buffer passed to `fetch` is empty. Nothing was sent.
    EmptyBuffer,
}

impl<C, S> fmt::Display for ExchangeError<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(_) => f.write_str("the connection failed"),
            Self::Sink(_) => f.write_str("the sink failed"),
            Self::SinkFull => f.write_str("the sink takes no more bytes"),
            Self::Download(error) => fmt::Display::fmt(error, f),
            Self::NotFound => f.write_str("the server has no such file (R8)"),
            Self::Malformed => f.write_str("the server found the request malformed (R5)"),
            Self::EmptyBuffer => f.write_str("the buffer is empty: pass at least one byte"),
        }
    }
}

impl<C: Error + 'static, S: Error + 'static> Error for ExchangeError<C, S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connection(error) => Some(error),
            Self::Sink(error) => Some(error),
            // `Display` prints the text of `Download`, so there is no source to print after it.
            _ => None,
        }
    }
}

impl<C, S> From<DownloadError> for ExchangeError<C, S> {
    fn from(error: DownloadError) -> Self {
        Self::Download(error)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::{String, ToString};

    use super::*;
    use crate::FilenameError;

    type Failed = ExchangeError<FilenameError, DownloadError>;

    /// The texts of an error and of its sources, as a program prints them.
    fn printed(error: &dyn Error) -> String {
        let own = error.to_string();
        error.source().map_or(own.clone(), |source| own + ": " + &printed(source))
    }

    #[test]
    fn what_failed_is_the_source_and_is_printed_once() {
        let error = Failed::Connection(FilenameError::Empty);
        assert_eq!(printed(&error), "the connection failed: the filename is empty (R2)");
        let truncated = DownloadError::ClosedInData { received: 3, expected: 5 };
        let said = truncated.to_string();
        assert_eq!(printed(&Failed::Sink(truncated)), String::from("the sink failed: ") + &said);
        assert_eq!(printed(&Failed::Download(truncated)), said);
        assert!(Failed::SinkFull.source().is_none());
    }
}
