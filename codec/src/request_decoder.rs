//! The request (R2), out of bytes that come in any number of pieces: the server's side.

use heapless::Vec;

use crate::wire::{self, Head, Parsed, take_front};
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
        if self.0.is_fresh() { 0 } else { self.0.taken() }
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
        let Some(name) = self.decode_name(input)? else { return Ok(None) };
        // The header has ruled out both ways in which a name can be refused.
        let filename = Filename::new(name).map_err(|_| refusal(4, 0))?;
        Ok(Some(Request::new(filename)))
    }

    /// As [`decode`](Self::decode), but only lends the filename: a [`Request`] of `N` bytes is neither
    /// made nor moved, which for long names costs more than to decode it.
    ///
    /// ```
    /// let mut input: &[u8] = b"\x49\x7E\x01\x00\x05h.txt";
    /// let mut decoder = fetchlet_codec::RequestDecoder::<1024>::new();
    /// assert_eq!(decoder.decode_name(&mut input), Ok(Some("h.txt")));
    /// ```
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_name<'s, 'a: 's>(
        &'s mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<&'s str>, DecodeError> {
        if self.0.is_fresh()
            && let Some(name) = self.whole(input)
        {
            return Ok(Some(name));
        }
        match self.advance(input) {
            Ok(true) => Ok(self.kept()),
            Ok(false) => Ok(None),
            Err(error) => {
                let received = u16::try_from(self.0.taken()).unwrap_or(u16::MAX);
                self.0 = State::Failed { error, received };
                Err(error)
            }
        }
    }

    /// A request in one piece, as nearly all come, is decoded where it is. The others, and those that
    /// are refused, go the long way.
    fn whole<'a>(&self, input: &mut &'a [u8]) -> Option<&'a str> {
        let (rest, len) = wire::request_header(input).ok()?;
        if len > Filename::<N>::MAX {
            return None;
        }
        let (name, rest) = rest.split_at_checked(len.into())?;
        let name = core::str::from_utf8(name).ok()?;
        *input = rest;
        Some(name)
    }

    /// Whether the filename is whole now.
    fn advance(&mut self, input: &mut &[u8]) -> Result<bool, DecodeError> {
        if matches!(&self.0, State::Name(name) if name.is_whole()) {
            self.0 = State::Head(Head::new());
        }
        if let State::Head(head) = &mut self.0 {
            let len = match head.parse(input, wire::request_header) {
                Parsed::Partial => return Ok(false),
                Parsed::Refused { at, found } => return Err(refusal(at, found)),
                Parsed::Whole(len) => len,
            };
            let max = Filename::<N>::MAX;
            if len > max {
                return Err(DecodeError::FilenameTooLong { len, max });
            }
            self.0 = State::Name(PartialName { bytes: Vec::new(), len, checked: 0 });
        }
        match &mut self.0 {
            State::Name(name) => name.advance(input),
            State::Failed { error, .. } => Err(*error),
            State::Head(_) => Ok(false),
        }
    }

    fn kept(&self) -> Option<&str> {
        let State::Name(name) = &self.0 else { return None };
        core::str::from_utf8(&name.bytes).ok()
    }
}

impl<const N: usize> State<N> {
    /// Whether no byte of the request that is due has come.
    fn is_fresh(&self) -> bool {
        match self {
            State::Head(head) => head.len() == 0,
            State::Name(name) => name.is_whole(),
            State::Failed { .. } => false,
        }
    }

    fn taken(&self) -> usize {
        match self {
            State::Head(head) => head.len().into(),
            State::Name(name) => name.bytes.len().saturating_add(REQUEST_HEADER),
            State::Failed { received, .. } => (*received).into(),
        }
    }
}

impl<const N: usize> PartialName<N> {
    fn is_whole(&self) -> bool {
        self.bytes.len() >= self.len.into()
    }

    /// Whether the name is whole now.
    fn advance(&mut self, input: &mut &[u8]) -> Result<bool, DecodeError> {
        let missing = usize::from(self.len).saturating_sub(self.bytes.len());
        // It fits: `len` is at most `N`.
        self.bytes.extend_from_slice(take_front(input, missing)).ok();
        if !self.is_whole() {
            self.check_utf8()?;
            return Ok(false);
        }
        match core::str::from_utf8(&self.bytes) {
            Ok(_) => Ok(true),
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
fn refusal(at: u8, found: u8) -> DecodeError {
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
