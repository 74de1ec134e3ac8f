//! What can be wrong with bytes: with those that came, and with the room for those to be sent.

use core::fmt;

/// Bytes that are not the message they should be.
///
/// Every variant holds what was seen. Offsets (`at`) count from the message's first byte. A header is
/// refused at the first byte that can't belong to it, so that byte is all there is to report: `G` at
/// offset 0 is an HTTP client, `H` an HTTP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// R5, R11: the message does not begin with [`MAGIC`](crate::MAGIC).
    BadMagic {
        /// 0 or 1.
        at: u8,
        /// The byte there.
        found: u8,
    },
    /// R5, R11: byte 2 is not the type of the message that is due (1: request, 2: response).
    BadType {
        /// The byte there.
        found: u8,
    },
    /// R5: the filename's length, bytes 3 and 4, is 0 or more than 1024.
    BadFilenameLength {
        /// 3 if that byte alone makes it too large, else 4.
        at: u8,
        /// The byte there.
        found: u8,
    },
    /// The filename is legal (R2) but longer than the names kept here.
    FilenameTooLong {
        /// The filename's length, in bytes.
        len: u16,
        /// The longest that is kept here, in bytes.
        max: u16,
    },
    /// R5: the filename is not UTF-8.
    FilenameNotUtf8 {
        /// Where the first sequence starts that is not UTF-8.
        at: u16,
        /// The byte there.
        found: u8,
    },
    /// R11: byte 3 is not a status.
    BadStatus {
        /// The byte there.
        found: u8,
    },
    /// R11: data is announced, in bytes 4 to 7, by a response whose status says there is none.
    UnexpectedData {
        /// 4 to 7.
        at: u8,
        /// The byte there, which is not 0.
        found: u8,
    },
}

impl DecodeError {
    /// The rules of `PROTOCOL.md` that it is about.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::BadMagic { .. } | Self::BadType { .. } => "R5, R11",
            Self::BadFilenameLength { .. } | Self::FilenameNotUtf8 { .. } => "R5",
            Self::FilenameTooLong { .. } => "R2",
            Self::BadStatus { .. } | Self::UnexpectedData { .. } => "R11",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BadMagic { at, found } => {
                write!(f, "byte {at} is {found:#04x}, but a message begins with 49 7E")?;
            }
            Self::BadType { found } => {
                write!(f, "byte 2 is {found:#04x}, which is not the message type that is due")?;
            }
            Self::BadFilenameLength { at, found } => {
                write!(f, "byte {at} is {found:#04x}, but a filename has 1 to 1024 bytes")?;
            }
            Self::FilenameTooLong { len, max } => {
                write!(f, "the filename has {len} bytes, but at most {max} are kept here")?;
            }
            Self::FilenameNotUtf8 { at, found } => {
                write!(f, "byte {at} is {found:#04x}, where the filename stops being UTF-8")?;
            }
            Self::BadStatus { found } => {
                write!(f, "byte 3 is {found:#04x}, which is not a status")?;
            }
            Self::UnexpectedData { at, found } => {
                write!(f, "byte {at} is {found:#04x}: data is announced where no file follows")?;
            }
        }
        write!(f, " ({})", self.rule())
    }
}

impl core::error::Error for DecodeError {}

/// There is no room for an encoded message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferTooSmall {
    /// The message's length, in bytes.
    pub needed: usize,
    /// The buffer's length, in bytes.
    pub available: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, available } = self;
        write!(f, "the message has {needed} bytes, but the buffer only {available}")
    }
}

impl core::error::Error for BufferTooSmall {}
