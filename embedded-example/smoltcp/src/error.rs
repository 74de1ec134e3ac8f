//! The ways in which a transfer ends without a file.

use core::fmt;

use fetchlet_codec::DownloadError;

/// The reason why a transfer ended without a file. `E` is the [`Sink`](crate::Sink)'s error.
///
/// The text of an error includes that of the error inside, and `source` returns `None`.
/// [`is_transient`](Self::is_transient) tells whether a second attempt makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransferError<E> {
    /// The server's host refused the connection: nothing listens on the port.
    Refused,
    /// No host accepted the connection within the timeout (R15).
    ConnectTimedOut,
    /// The server sent nothing for the length of the timeout (R15); the error says what is missing.
    TimedOut(DownloadError),
    /// The server reset the connection; the error says what is missing, with both counts (R12).
    Reset(DownloadError),
    /// The answer is no response (R11), or the server ended the connection before the end of the
    /// file, with both counts (R12).
    Download(DownloadError),
    /// The server has no such file (R8). The sink was not called.
    NotFound,
    /// The server found the request malformed (R5). The sink was not called.
    Malformed,
    /// The sink failed.
    Sink(E),
}

impl<E> TransferError<E> {
    /// Returns whether the same request may succeed later: after a connection that was refused or
    /// reset, that timed out, or that ended early.
    ///
    /// ```
    /// use fetchlet_smoltcp::TransferError;
    ///
    /// assert!(TransferError::<()>::Refused.is_transient());
    /// assert!(!TransferError::<()>::NotFound.is_transient());
    /// ```
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Refused | Self::ConnectTimedOut | Self::TimedOut(_) | Self::Reset(_) => true,
            Self::Download(error) => !matches!(error, DownloadError::Decode(_)),
            Self::NotFound | Self::Malformed | Self::Sink(_) => false,
        }
    }
}

impl<E: fmt::Debug> fmt::Display for TransferError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the server refused the connection"),
            Self::ConnectTimedOut => f.write_str("nobody accepted the connection in time (R15)"),
            Self::TimedOut(DownloadError::ClosedInData { received, expected }) => {
                write!(
                    f,
                    "the server sent nothing for too long (R15), {received} of {expected} bytes in"
                )
            }
            Self::TimedOut(_) => f.write_str("the server sent nothing for too long (R15)"),
            Self::Reset(error) => write!(f, "the server reset the connection: {error}"),
            Self::Download(error) => fmt::Display::fmt(error, f),
            Self::Malformed => f.write_str("the server found the request malformed (R5)"),
            Self::NotFound => f.write_str("the server has no such file (R8)"),
            Self::Sink(error) => write!(f, "the sink failed: {error:?}"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for TransferError<E> {}
