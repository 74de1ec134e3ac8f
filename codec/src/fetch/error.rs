//! The reason why there is no whole FETCH response.

use core::fmt;

use crate::{DecodeError, FETCH_RESPONSE_HEADER};

/// The reason why a [`Fetch`](crate::Fetch) has no whole response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FetchError {
    /// R11, R22: the bytes received are no response to the request. Nothing of it is to be kept.
    Decode(DecodeError),
    /// R35: the server knows only the first pair of messages. A new connection may ask with
    /// [`Download`](crate::Download), if the whole file was wanted on no condition.
    FirstPairOnly,
    /// R33: the connection ended before the first byte of a second or later response. That is no
    /// failure of the server's: ask again on a new connection.
    ClosedBetween,
    /// The connection ended before all that is known of the file had arrived.
    ClosedInHead {
        /// The number of bytes that had arrived, 0 to 262.
        received: u16,
    },
    /// R12: the connection ended before the announced data had arrived.
    ClosedInData {
        /// The length of the data that had arrived, in bytes.
        received: u32,
        /// The announced length of the data, in bytes.
        expected: u32,
    },
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => fmt::Display::fmt(error, f),
            Self::FirstPairOnly => {
                f.write_str("the server knows only whole files, of up to 4 GiB (R35)")
            }
            Self::ClosedBetween => {
                f.write_str("the connection ended before the next response began (R33)")
            }
            Self::ClosedInHead { received } => write!(
                f,
                "the connection ended after {received} bytes, before the data; \
                 a response has at least {FETCH_RESPONSE_HEADER} (R12)"
            ),
            Self::ClosedInData { received, expected } => {
                write!(f, "the connection ended after {received} of {expected} bytes (R12)")
            }
        }
    }
}

impl core::error::Error for FetchError {}

impl From<DecodeError> for FetchError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}
