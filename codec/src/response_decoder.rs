//! The decoder of response headers, for clients.

use crate::error::DecodeError;
use crate::grammar::{self, HeaderBuffer, InvalidByte};
use crate::response::ResponseHeader;
use crate::wire::RESPONSE_HEADER;

/// Decodes a response header that arrives in any number of pieces (R4).
///
/// A client uses [`Download`](crate::Download) instead, which handles the data as well.
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
    header: HeaderBuffer<RESPONSE_HEADER>,
    failed: Option<DecodeError>,
}

impl ResponseDecoder {
    /// A decoder for one response header.
    pub const fn new() -> Self {
        Self { header: HeaderBuffer::new(), failed: None }
    }

    /// The number of bytes of an unfinished header that have arrived, 0 to 7; after an error, the
    /// number of bytes that were taken.
    pub fn received(&self) -> u8 {
        self.header.len()
    }

    /// Takes the header's bytes off the front of `input`.
    ///
    /// Returns `Ok(None)` if all bytes of `input` were taken and the header is not whole. After
    /// `Ok(Some(_))`, `input` begins with the data, and the decoder is ready for another response.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] of R11 at the first byte that shows the fault. Every later call returns
    /// the same error.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<ResponseHeader>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        // Parsed where the bytes are: nearly all headers arrive in one piece.
        if self.header.is_empty()
            && let Ok((rest, header)) = grammar::response_header(input)
        {
            *input = rest;
            return Ok(Some(header));
        }
        self.header.parse(input, grammar::response_header).map_err(|byte| {
            let error = header_error(byte);
            self.failed = Some(error);
            error
        })
    }
}

/// Returns the error of R11 for a byte that is not allowed in a response's header.
fn header_error(InvalidByte { at, found }: InvalidByte) -> DecodeError {
    match at {
        0 | 1 => DecodeError::BadMagic { at, found },
        2 => DecodeError::BadType { found },
        3 => DecodeError::BadStatus { found },
        _ => DecodeError::UnexpectedData { at, found },
    }
}
