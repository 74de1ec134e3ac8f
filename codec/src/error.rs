//! The errors of decoding bytes, and of encoding into a buffer that is too small.

use core::fmt;

/// The reason why received bytes are not a message of the protocol.
///
/// Every variant holds the byte that shows the fault. Offsets (`at`) count from the message's first
/// byte. Decoding stops at the first byte that cannot belong to the message, and that byte often
/// tells who the peer is: `G` at offset 0 comes from an HTTP client, `H` from an HTTP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// R5, R11: the message does not begin with [`MAGIC`](crate::MAGIC).
    BadMagic {
        /// The offset of the byte, 0 or 1.
        at: u8,
        /// The byte at that offset.
        found: u8,
    },
    /// R5, R11: byte 2 is not the type of the expected message (1: request, 2: response, 3: FETCH
    /// request, 4: FETCH response).
    BadType {
        /// The value of byte 2.
        found: u8,
    },
    /// R5: the filename's length, bytes 3 and 4, is 0 or more than 1024.
    BadFilenameLength {
        /// The offset of the byte: 3 if that byte alone makes the length too large, else 4.
        at: u8,
        /// The byte at that offset.
        found: u8,
    },
    /// The filename's length is legal (R2), but above the length that this decoder is made for.
    FilenameTooLong {
        /// The filename's length, in bytes.
        len: u16,
        /// The length of the longest name that this decoder accepts, in bytes.
        max: u16,
    },
    /// R5: the filename is not UTF-8.
    FilenameNotUtf8 {
        /// The offset at which the first invalid UTF-8 sequence starts.
        at: u16,
        /// The byte at that offset.
        found: u8,
    },
    /// R11: byte 3 is not a status.
    BadStatus {
        /// The value of byte 3.
        found: u8,
    },
    /// R11: bytes 4 to 7 announce data although the status is not 1 (file follows).
    UnexpectedData {
        /// The offset of the byte, 4 to 7.
        at: u8,
        /// The byte at that offset, which is not 0.
        found: u8,
    },
    /// R18: the length of a FETCH request's rest, bytes 3 and 4, is not 30 to 1053.
    BadLength {
        /// The offset of the byte: 3 if that byte alone makes the length too large, else 4.
        at: u8,
        /// The byte at that offset.
        found: u8,
    },
    /// R18, R21: byte 5 of a FETCH request has flag `08`, or both `02` and `04`; or byte 8 of a
    /// FETCH response has `04` or `08`.
    BadFlags {
        /// The offset of the byte, 5 or 8.
        at: u8,
        /// The byte at that offset.
        found: u8,
    },
    /// R18: a FETCH request with flag `04` begins at an offset other than 0.
    UnexpectedOffset {
        /// The offset of the byte, 6 to 13.
        at: u8,
        /// The byte at that offset, which is not 0.
        found: u8,
    },
    /// R18: a FETCH request has a tag, but neither flag `02` nor `04`.
    UnexpectedTag {
        /// The offset of the byte, 18 to 33.
        at: u8,
        /// The byte at that offset, which is not 0.
        found: u8,
    },
    /// R22: the FETCH response contradicts its own fields, or the request, or what the client keeps
    /// of the file.
    Contradiction {
        /// The offset of the byte: 3 in the status, 4 to 7 in the length of the rest, 8 in the
        /// flags, 9 in the length of what is known, 10 to 17 in the total, 18 to 25 in the offset,
        /// 26 to 41 in the tag, 42 to 57 in the digest.
        at: u8,
        /// The byte at that offset.
        found: u8,
    },
    /// R36: the connection begins with the preamble of another protocol.
    OtherProtocol(Preamble),
}

/// What a connection of another protocol begins with (R36).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Preamble {
    /// A record of TLS: the byte `16`.
    Tls,
    /// The PROXY protocol: `PROXY ` of version 1, or `0D 0A 0D 0A 00` of version 2.
    Proxy,
}

impl fmt::Display for Preamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS",
            Self::Proxy => "the PROXY protocol",
        })
    }
}

/// The name of the field of a FETCH response in which the byte at this offset is (R19).
const fn field(at: u8) -> &'static str {
    match at {
        3 => "status",
        4..=7 => "length of the rest",
        8 => "flags",
        9 => "length of what is known",
        10..=17 => "total",
        18..=25 => "offset",
        26..=41 => "tag",
        _ => "digest",
    }
}

impl DecodeError {
    /// The numbers of the rules of [`PROTOCOL.md`](crate::protocol) that the bytes break.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::BadMagic { .. } | Self::BadType { .. } => "R5, R11",
            Self::BadFilenameLength { .. } | Self::FilenameNotUtf8 { .. } => "R5",
            Self::FilenameTooLong { .. } => "R2",
            Self::BadLength { .. } | Self::UnexpectedOffset { .. } | Self::UnexpectedTag { .. } => {
                "R18"
            }
            Self::BadFlags { .. } => "R18, R21",
            Self::Contradiction { .. } => "R22",
            Self::OtherProtocol(_) => "R36",
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
            Self::BadLength { at, found } => {
                write!(f, "byte {at} is {found:#04x}, but 30 to 1053 bytes follow the length")?;
            }
            Self::BadFlags { at, found } => {
                write!(f, "byte {at} is {found:#04x}: flags that exclude each other, or unknown")?;
            }
            Self::UnexpectedOffset { at, found } => {
                write!(f, "byte {at} is {found:#04x}: an offset with flag 04")?;
            }
            Self::UnexpectedTag { at, found } => {
                write!(f, "byte {at} is {found:#04x}: a tag without flag 02 or 04")?;
            }
            Self::Contradiction { at, found } => {
                let field = field(at);
                write!(f, "byte {at} is {found:#04x}: the {field} does not answer the request")?;
            }
            Self::OtherProtocol(preamble) => {
                write!(f, "the connection begins as one of {preamble}")?;
            }
        }
        write!(f, " ({})", self.rule())
    }
}

impl core::error::Error for DecodeError {}

/// The buffer is too small for the encoded message.
#[expect(clippy::exhaustive_structs, reason = "two lengths say all there is to say")]
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
