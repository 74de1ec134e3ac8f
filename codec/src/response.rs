//! The response up to its data (R3): a server encodes it, a client decodes it.

use crate::wire::{self, BadByte, Head, RESPONSE_TYPE};
use crate::{DecodeError, MAGIC, RESPONSE_HEADER};

/// How a server answers (R3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Status {
    /// No file of that name is served (R8).
    NotFound = 0,
    /// The file follows.
    File = 1,
    /// The request was malformed (R5).
    Malformed = 2,
}

impl Status {
    pub(crate) const fn from_octet(octet: u8) -> Option<Self> {
        match octet {
            0 => Some(Self::NotFound),
            1 => Some(Self::File),
            2 => Some(Self::Malformed),
            _ => None,
        }
    }
}

/// A status and the length of the data that follows it (R3).
///
/// ```
/// use fetchlet_codec::{ResponseHeader, Status};
///
/// assert_eq!(ResponseHeader::file(5).encode(), *b"\x49\x7E\x02\x01\x00\x00\x00\x05");
/// assert_eq!(ResponseHeader::without_data(Status::NotFound).encode(), *b"\x49\x7E\x02\x00\0\0\0\0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResponseHeader {
    status: Status,
    data_len: u32,
}

impl ResponseHeader {
    /// A file of `data_len` bytes follows.
    pub const fn file(data_len: u32) -> Self {
        Self { status: Status::File, data_len }
    }

    /// A response without data. With [`Status::File`] it announces an empty file.
    pub const fn without_data(status: Status) -> Self {
        Self { status, data_len: 0 }
    }

    /// How the server answered.
    pub const fn status(self) -> Status {
        self.status
    }

    /// The data length, in bytes: how much data follows the header. It is 0 unless the status is
    /// [`Status::File`].
    pub const fn data_len(self) -> u32 {
        self.data_len
    }

    /// The header's bytes.
    pub const fn encode(self) -> [u8; RESPONSE_HEADER] {
        let [m0, m1] = MAGIC;
        let [n0, n1, n2, n3] = self.data_len.to_be_bytes();
        [m0, m1, RESPONSE_TYPE, self.status as u8, n0, n1, n2, n3]
    }
}

/// Decodes a response header that comes in any number of pieces (R4).
///
/// A client wants [`Download`](crate::Download), which goes on to the data.
///
/// ```
/// use fetchlet_codec::{ResponseDecoder, ResponseHeader};
///
/// let mut input: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x05hello";
/// let header = ResponseDecoder::new().decode(&mut input)?;
/// assert_eq!(header, Some(ResponseHeader::file(5)));
/// assert_eq!(input, b"hello");
/// # Ok::<(), fetchlet_codec::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResponseDecoder {
    head: Head<RESPONSE_HEADER>,
    failed: Option<DecodeError>,
}

impl ResponseDecoder {
    /// A decoder for one response header.
    pub const fn new() -> Self {
        Self { head: Head::new(), failed: None }
    }

    /// How many bytes of an unfinished header have come, 0 to 7.
    pub fn received(&self) -> u8 {
        self.head.len()
    }

    /// Takes bytes off the front of `input`. `Ok(None)`: all were taken, more are needed.
    ///
    /// With `Ok(Some(_))` the data stays in `input`, and the decoder is ready for another response.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] of R11, as soon as a byte shows it; the decoder then stays failed and
    /// repeats it.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<ResponseHeader>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        // A header in one piece, as nearly all come, is parsed where it is.
        if self.head.len() == 0
            && let Ok((rest, header)) = wire::response_header(input)
        {
            *input = rest;
            return Ok(Some(header));
        }
        self.head.parse(input, wire::response_header).map_err(|byte| {
            let error = refusal(byte);
            self.failed = Some(error);
            error
        })
    }
}

/// R11, for the byte at this offset of a header.
fn refusal(BadByte { at, found }: BadByte) -> DecodeError {
    match at {
        0 | 1 => DecodeError::BadMagic { at, found },
        2 => DecodeError::BadType { found },
        3 => DecodeError::BadStatus { found },
        _ => DecodeError::UnexpectedData { at, found },
    }
}
