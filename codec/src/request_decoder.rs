//! The request (R2), decoded by a server from bytes that arrive in any number of pieces.

use heapless::Vec;

use crate::grammar::{self, HeaderBuffer, InvalidByte, take_front};
use crate::{DecodeError, Filename, MAX_FILENAME, REQUEST_HEADER, Request};

/// Decodes a request that arrives in any number of pieces (R4); a server's side of the protocol.
///
/// A fault in the header is reported with the byte that shows the fault, without waiting for the
/// filename (R5).
///
/// ```
/// use fetchlet_codec::{DecodeError, RequestDecoder};
///
/// let mut decoder = RequestDecoder::<64>::new();
/// let mut input: &[u8] = b"\x49\x7E\x01\x00\x05h.";
/// assert_eq!(decoder.decode(&mut input)?, None);
/// let mut input: &[u8] = b"txt and more";
/// let request = decoder.decode(&mut input)?.expect("whole");
/// assert_eq!(request.filename().as_str(), "h.txt");
/// assert_eq!(input, b" and more"); // R7
///
/// let mut input: &[u8] = b"GET / HTTP/1.1";
/// let error = RequestDecoder::<64>::new().decode(&mut input);
/// assert_eq!(error, Err(DecodeError::BadMagic { at: 0, found: b'G' }));
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestDecoder<const N: usize = MAX_FILENAME>(State<N>);

#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum State<const N: usize> {
    Header(HeaderBuffer<REQUEST_HEADER>),
    Filename(PartialName<N>),
    Failed { error: DecodeError, received: u16 },
}

/// The bytes of a filename that have arrived.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct PartialName<const N: usize> {
    bytes: Vec<u8, N, u16>,
    /// The length of the whole filename, in bytes.
    len: u16,
    /// The number of leading bytes that are valid UTF-8, so that no piece is checked twice.
    checked: u16,
}

impl<const N: usize> RequestDecoder<N> {
    /// A decoder for a request with a filename of up to `N` bytes.
    pub const fn new() -> Self {
        Self(State::Header(HeaderBuffer::new()))
    }

    /// The number of bytes of an unfinished request that have arrived; after an error, the number
    /// of bytes that were taken.
    ///
    /// If a connection ends at 0 bytes, it was a probe; at any other number, the request was cut
    /// off (R6).
    pub fn received(&self) -> usize {
        match &self.0 {
            State::Header(header) => header.len().into(),
            State::Filename(name) => name.bytes.len().saturating_add(REQUEST_HEADER),
            State::Failed { received, .. } => (*received).into(),
        }
    }

    /// Takes the request's bytes off the front of `input`.
    ///
    /// Returns `Ok(None)` if all bytes of `input` were taken and the request is not whole. After
    /// `Ok(Some(_))`, the bytes that follow the request are still in `input` (R7), and the decoder
    /// is ready for another request.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] at the first byte that shows the fault. Every later call returns the same
    /// error. The server answers [`Status::Malformed`](crate::Status::Malformed) (R5), with one
    /// exception: [`DecodeError::FilenameTooLong`] says that the name is longer than any name this
    /// server has, so the answer is [`Status::NotFound`](crate::Status::NotFound) (R8). Such a name
    /// is not checked for UTF-8.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Request<N>>, DecodeError> {
        match self.advance(input) {
            Ok(None) => Ok(None),
            Ok(Some(name)) => {
                // Never an error: `name` has 1 to `N` bytes.
                let Ok(filename) = Filename::new(name) else { return Ok(None) };
                self.0 = State::Header(HeaderBuffer::new());
                Ok(Some(Request::new(filename)))
            }
            Err(error) => {
                let received = u16::try_from(self.received()).unwrap_or(u16::MAX);
                self.0 = State::Failed { error, received };
                Err(error)
            }
        }
    }

    /// Takes bytes off the front of `input`; returns the filename once it is whole.
    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<&str>, DecodeError> {
        match &mut self.0 {
            State::Header(header) => {
                let Some(len) = filename_len(header, input)? else { return Ok(None) };
                self.0 = State::Filename(PartialName::new(len));
                let max = Filename::<N>::MAX;
                if len > max {
                    return Err(DecodeError::FilenameTooLong { len, max });
                }
                // Not after the `match`: here the compiler sees that the buffer is empty, and
                // copies the name at once instead of byte by byte.
                if let State::Filename(name) = &mut self.0 {
                    name.append(input);
                }
            }
            State::Filename(name) => name.append(input),
            State::Failed { error, .. } => return Err(*error),
        }
        match &mut self.0 {
            State::Filename(name) => name.check(),
            State::Header(_) | State::Failed { .. } => Ok(None),
        }
    }
}

/// Takes the header off the front of `input`; returns the filename's length once the header is
/// whole.
#[inline]
fn filename_len(
    header: &mut HeaderBuffer<REQUEST_HEADER>,
    input: &mut &[u8],
) -> Result<Option<u16>, DecodeError> {
    // Parsed where the bytes are: nearly all headers arrive in one piece. Of an array the compiler
    // knows the length, so that no parser asks whether a byte is there.
    if header.is_empty()
        && let Some((first, rest)) = input.split_first_chunk::<REQUEST_HEADER>()
        && let Ok((_, len)) = grammar::request_header(first)
    {
        *input = rest;
        return Ok(Some(len));
    }
    parse_in_pieces(header, input).map_err(header_error)
}

/// Does the same with a header that arrives in pieces, or that is malformed.
#[cold]
fn parse_in_pieces(
    header: &mut HeaderBuffer<REQUEST_HEADER>,
    input: &mut &[u8],
) -> Result<Option<u16>, InvalidByte> {
    header.parse(input, grammar::request_header)
}

impl<const N: usize> PartialName<N> {
    /// A filename of `len` bytes, 1 to `N`, of which none has arrived.
    const fn new(len: u16) -> Self {
        Self { bytes: Vec::new(), len, checked: 0 }
    }

    /// Takes the missing bytes, or as many as there are, off the front of `input`.
    #[inline]
    fn append(&mut self, input: &mut &[u8]) {
        let missing = usize::from(self.len).saturating_sub(self.bytes.len());
        // Never an error: `missing` more bytes make `len`, which is at most `N`.
        self.bytes.extend_from_slice(take_front(input, missing)).ok();
    }

    /// Checks that the bytes so far are UTF-8 (R5); returns the filename once it is whole.
    fn check(&mut self) -> Result<Option<&str>, DecodeError> {
        if self.bytes.len() < self.len.into() {
            self.check_piece()?;
            return Ok(None);
        }
        match core::str::from_utf8(&self.bytes) {
            Ok(name) => Ok(Some(name)),
            Err(fault) => Err(not_utf8(&self.bytes, fault.valid_up_to())),
        }
    }

    /// Checks the bytes that are not checked yet. A sequence that is cut at the end may still
    /// become valid, and is checked again with the next piece.
    fn check_piece(&mut self) -> Result<(), DecodeError> {
        let unchecked = self.bytes.get(self.checked.into()..).unwrap_or_default();
        let valid = match core::str::from_utf8(unchecked) {
            Ok(_) => unchecked.len(),
            Err(fault) if fault.error_len().is_none() => fault.valid_up_to(),
            Err(fault) => {
                let at = usize::from(self.checked).saturating_add(fault.valid_up_to());
                return Err(not_utf8(&self.bytes, at));
            }
        };
        self.checked = self.checked.saturating_add(u16::try_from(valid).unwrap_or_default());
        Ok(())
    }
}

impl<const N: usize> Default for RequestDecoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the error of R5 for a byte that is not allowed in a request's header.
fn header_error(InvalidByte { at, found }: InvalidByte) -> DecodeError {
    match at {
        0 | 1 => DecodeError::BadMagic { at, found },
        2 => DecodeError::BadType { found },
        _ => DecodeError::BadFilenameLength { at, found },
    }
}

/// Returns the error of R5 for the byte at `offset` of a filename, where the name stops being
/// UTF-8.
fn not_utf8(name: &[u8], offset: usize) -> DecodeError {
    let at = u16::try_from(offset.saturating_add(REQUEST_HEADER)).unwrap_or(u16::MAX);
    DecodeError::FilenameNotUtf8 { at, found: name.get(offset).copied().unwrap_or_default() }
}
