//! The request (R2), out of bytes that come in any number of pieces: the server's side.

use heapless::Vec;

use crate::wire::{self, BadByte, Head, take_front};
use crate::{DecodeError, Filename, MAX_FILENAME, REQUEST_HEADER, Request};

/// Decodes a request that comes in any number of pieces (R4): the server's side.
///
/// A fault is reported with the byte that shows it, before the filename has come (R5).
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
/// let refused = RequestDecoder::<64>::new().decode(&mut input);
/// assert_eq!(refused, Err(DecodeError::BadMagic { at: 0, found: b'G' }));
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestDecoder<const N: usize = MAX_FILENAME>(State<N>);

/// A fresh decoder is a `Head`: the room for a name is touched only by one that comes in pieces.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum State<const N: usize> {
    Head(Head<REQUEST_HEADER>),
    Name(PartialName<N>),
    Failed { error: DecodeError, received: u16 },
}

/// The first bytes of a filename that has `len`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct PartialName<const N: usize> {
    bytes: Vec<u8, N, u16>,
    len: u16,
    /// How much of `bytes` is known to be UTF-8, so that no byte is looked at twice.
    checked: u16,
}

impl<const N: usize> RequestDecoder<N> {
    /// A decoder for one request with a filename of up to `N` bytes.
    pub const fn new() -> Self {
        Self(State::Head(Head::new()))
    }

    /// How many bytes of an unfinished request have come: 0 tells a probe from a broken off request (R6).
    pub fn received(&self) -> usize {
        match &self.0 {
            State::Head(head) => head.len().into(),
            State::Name(name) => name.bytes.len().saturating_add(REQUEST_HEADER),
            State::Failed { received, .. } => (*received).into(),
        }
    }

    /// Takes bytes off the front of `input`. `Ok(None)`: all were taken, more are needed.
    ///
    /// With `Ok(Some(_))` the bytes after the request stay in `input` (R7), and the decoder is ready
    /// for another request.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`], as soon as a byte shows it; the decoder then stays failed and repeats it.
    /// To answer: [`Status::Malformed`](crate::Status::Malformed) (R5), but to
    /// [`DecodeError::FilenameTooLong`], which only says that no such file can be here,
    /// [`Status::NotFound`](crate::Status::NotFound); whether that name is UTF-8 is not looked at.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Request<N>>, DecodeError> {
        match self.advance(input) {
            Ok(None) => Ok(None),
            Ok(Some(name)) => {
                // Never an error: the name has 1 to `N` bytes.
                let Ok(filename) = Filename::new(name) else { return Ok(None) };
                self.0 = State::Head(Head::new());
                Ok(Some(Request::new(filename)))
            }
            Err(error) => {
                let received = u16::try_from(self.received()).unwrap_or(u16::MAX);
                self.0 = State::Failed { error, received };
                Err(error)
            }
        }
    }

    /// Returns the filename once it is whole.
    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<&str>, DecodeError> {
        match &mut self.0 {
            State::Head(head) => {
                let Some(len) = filename_len(head, input)? else { return Ok(None) };
                self.0 = State::Name(PartialName::new(len));
                let max = Filename::<N>::MAX;
                if len > max {
                    return Err(DecodeError::FilenameTooLong { len, max });
                }
                if let State::Name(name) = &mut self.0 {
                    name.append(input);
                }
            }
            State::Name(name) => name.append(input),
            State::Failed { error, .. } => return Err(*error),
        }
        match &mut self.0 {
            State::Name(name) => name.check(),
            State::Head(_) | State::Failed { .. } => Ok(None),
        }
    }
}

#[inline]
fn filename_len(
    head: &mut Head<REQUEST_HEADER>,
    input: &mut &[u8],
) -> Result<Option<u16>, DecodeError> {
    // A header in one piece, as nearly all come, is parsed where it is.
    if head.len() == 0
        && let Ok((rest, len)) = wire::request_header(input)
    {
        *input = rest;
        return Ok(Some(len));
    }
    head.parse(input, wire::request_header).map_err(refusal)
}

impl<const N: usize> PartialName<N> {
    /// A filename of `len` bytes, 1 to `N`, none of which has come.
    const fn new(len: u16) -> Self {
        Self { bytes: Vec::new(), len, checked: 0 }
    }

    /// Takes the missing bytes off the front of `input`, as many as are there.
    #[inline]
    fn append(&mut self, input: &mut &[u8]) {
        let missing = usize::from(self.len).saturating_sub(self.bytes.len());
        // Never an error: with `missing` more there are `len` bytes, at most `N`.
        self.bytes.extend_from_slice(take_front(input, missing)).ok();
    }

    /// Checks that what has come is UTF-8 (R5); returns the name once it is whole.
    fn check(&mut self) -> Result<Option<&str>, DecodeError> {
        if self.bytes.len() < self.len.into() {
            self.check_utf8()?;
            return Ok(None);
        }
        match core::str::from_utf8(&self.bytes) {
            Ok(name) => Ok(Some(name)),
            Err(fault) => Err(not_utf8(&self.bytes, fault.valid_up_to())),
        }
    }

    /// Looks at the part that is new; a sequence that is cut at its end may still become whole.
    fn check_utf8(&mut self) -> Result<(), DecodeError> {
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

/// R5, for the byte at this offset of a header.
fn refusal(BadByte { at, found }: BadByte) -> DecodeError {
    match at {
        0 | 1 => DecodeError::BadMagic { at, found },
        2 => DecodeError::BadType { found },
        _ => DecodeError::BadFilenameLength { at, found },
    }
}

/// R5, for the byte at this offset of the filename.
fn not_utf8(name: &[u8], offset: usize) -> DecodeError {
    let at = u16::try_from(offset.saturating_add(REQUEST_HEADER)).unwrap_or(u16::MAX);
    DecodeError::FilenameNotUtf8 { at, found: name.get(offset).copied().unwrap_or_default() }
}
