//! The server without I/O: requests of both pairs from the bytes of one connection (R32).

use super::grammar::{self, Start};
use super::request::FetchRequest;
use super::response::FetchResponse;
use super::terms::Terms;
use crate::filename_buffer::{FilenameBuffer, NotUtf8};
use crate::grammar::{HeaderBuffer, InvalidByte};
use crate::wire::{FETCH_REQUEST_HEADER, FETCH_REQUEST_TYPE};
use crate::{
    DecodeError, Filename, MAX_FILENAME, REQUEST_HEADER, RESPONSE_HEADER, Request, ResponseHeader,
    Status,
};

/// The server's side of one connection: takes its bytes, cut anywhere, and returns its requests, of
/// both types, in the order in which they are to be answered (R32).
///
/// What the server sends, the driver encodes: a [`FetchResponse`] for a FETCH request, a
/// [`ResponseHeader`] for a request of the first pair, then the data. Time is the driver's as well
/// (R6, R33).
///
/// | `receive` returned | the driver |
/// |---|---|
/// | [`ServeRequest::Fetch`] | answers, then calls `receive` again |
/// | [`ServeRequest::Get`] | answers and closes as R7 says: it is the last |
/// | an error | answers what came before, sends the [refusal](Self::refusal), closes as R7 says |
/// | `Ok(None)` | reads more; at the end, [`received`](Self::received) tells if a request was cut |
///
/// ```
/// use fetchlet_codec::{Serve, ServeRequest};
///
/// let mut serve = Serve::<64>::new();
/// let fetch = b"\x49\x7E\x03\x00\x22\0\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\
///     \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0h.txt";
/// let sent = [&fetch[..], fetch, b"\x49\x7E\x01\x00\x05h.txt"].concat();
///
/// let mut types = Vec::new();
/// for mut piece in sent.chunks(50) {
///     while let Some(request) = serve.receive(&mut piece)? {
///         types.push(match request {
///             ServeRequest::Fetch(_) => 3,
///             ServeRequest::Get(_) => 1,
///         });
///     }
/// }
/// assert_eq!(types, [3, 3, 1]);
/// assert!(serve.is_closing());
/// # Ok::<(), fetchlet_codec::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Serve<const N: usize = MAX_FILENAME> {
    /// Whether no request has come yet, so that the bytes may be another protocol's (R36).
    is_first: bool,
    state: State<N>,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum State<const N: usize> {
    Header(HeaderBuffer<FETCH_REQUEST_HEADER>),
    Name(PartialRequest, FilenameBuffer<N>),
    /// A request of type 1 was returned.
    Closing,
    Failed {
        error: DecodeError,
        is_fetch: bool,
        received: u16,
    },
}

/// A request without its filename.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum PartialRequest {
    Get,
    Fetch(Terms),
}

/// A request that a client has sent.
#[expect(clippy::exhaustive_enums, reason = "a server that ignores a request does not answer it")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServeRequest<const N: usize = MAX_FILENAME> {
    /// A request of the first pair, type 1: the connection's last (R32).
    Get(Request<N>),
    /// A FETCH request, type 3.
    Fetch(FetchRequest<N>),
}

impl<const N: usize> Serve<N> {
    /// A connection of which no byte has come.
    pub const fn new() -> Self {
        Self { is_first: true, state: State::Header(HeaderBuffer::new()) }
    }

    /// The number of bytes of an unfinished request that have arrived; after an error, the number
    /// of bytes of the refused request that were taken.
    ///
    /// If a connection ends at 0 bytes, nothing was cut off: before the first request it was a
    /// probe (R6), later it is the usual end. If it stays silent at 0 bytes after the first
    /// request, it is idle (R33).
    pub fn received(&self) -> usize {
        match &self.state {
            State::Header(header) => header.len().into(),
            State::Name(asked, name) => name.received().saturating_add(asked.header_len()),
            State::Closing => 0,
            State::Failed { received, .. } => (*received).into(),
        }
    }

    /// Whether no more requests come: one of type 1 was returned, or an error. Bytes that are left
    /// in the input are to be drained (R7).
    pub const fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing | State::Failed { .. })
    }

    /// The bytes to send after an error and after the answers to all earlier requests: 8 bytes of
    /// type 4 if the refused request's type was 3, else of type 2 (R32). `None` if there was no
    /// error, or if the connection is another protocol's and is closed without an answer (R36).
    pub fn refusal(&self) -> Option<[u8; RESPONSE_HEADER]> {
        let State::Failed { error, is_fetch, .. } = &self.state else { return None };
        let (status, response) = match error {
            DecodeError::OtherProtocol(_) => return None,
            // No name of this server is that long (R8).
            DecodeError::FilenameTooLong { .. } => (Status::NotFound, FetchResponse::NotFound),
            _ => (Status::Malformed, FetchResponse::Malformed),
        };
        if *is_fetch {
            response.encode().first_chunk().copied()
        } else {
            Some(ResponseHeader::without_data(status).encode())
        }
    }

    /// Takes the next request's bytes off the front of `input`.
    ///
    /// Returns `Ok(None)` if all bytes of `input` were taken and no request is whole, or if the
    /// connection [is closing](Self::is_closing). After `Ok(Some(_))`, the bytes of later requests
    /// are still in `input`.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] at the first byte that shows the fault. Every later call returns the same
    /// error. [`refusal`](Self::refusal) has the answer: "malformed", with two exceptions. A name
    /// that is longer than `N` is "not found" ([`DecodeError::FilenameTooLong`]; such a name is not
    /// checked for UTF-8), and another protocol's preamble gets none
    /// ([`DecodeError::OtherProtocol`]).
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<ServeRequest<N>>, DecodeError> {
        // Nearly all requests arrive in one piece, and need no copy but the name's.
        if let State::Header(header) = &self.state
            && header.is_empty()
            && let Some((asked, filename, rest)) = whole(input)
        {
            *input = rest;
            return Ok(Some(self.returned(asked, filename)));
        }
        self.receive_piece(input)
    }

    /// Does the same with a request that arrives in pieces, or that is malformed.
    #[cold]
    fn receive_piece(&mut self, input: &mut &[u8]) -> Result<Option<ServeRequest<N>>, DecodeError> {
        if let Err((error, is_fetch)) = self.advance(input) {
            let received = u16::try_from(self.received()).unwrap_or(u16::MAX);
            self.state = State::Failed { error, is_fetch, received };
            return Err(error);
        }
        let State::Name(asked, name) = &mut self.state else { return Ok(None) };
        match name.check() {
            Ok(None) => Ok(None),
            Ok(Some(name)) => {
                // Never an error: `name` has 1 to `N` bytes.
                let Ok(filename) = Filename::new(name) else { return Ok(None) };
                let asked = asked.clone();
                Ok(Some(self.returned(asked, filename)))
            }
            Err(NotUtf8 { offset, found }) => {
                let header_len = u16::try_from(asked.header_len()).unwrap_or_default();
                let at = offset.saturating_add(header_len);
                let is_fetch = matches!(asked, PartialRequest::Fetch(_));
                let error = DecodeError::FilenameNotUtf8 { at, found };
                let received = u16::try_from(self.received()).unwrap_or(u16::MAX);
                self.state = State::Failed { error, is_fetch, received };
                Err(error)
            }
        }
    }

    /// Takes bytes off the front of `input`: the header's, then the filename's. An error comes with
    /// whether the type was 3.
    fn advance(&mut self, input: &mut &[u8]) -> Result<(), (DecodeError, bool)> {
        if let State::Failed { error, is_fetch, .. } = &self.state {
            return Err((*error, *is_fetch));
        }
        if let State::Header(header) = &mut self.state {
            let parser = if self.is_first { grammar::first_start } else { grammar::start };
            let gathered = header.gather(input, parser);
            let (asked, len) = match gathered {
                Ok(None) => return Ok(()),
                Ok(Some(Start::Get { name_len })) => (PartialRequest::Get, name_len),
                Ok(Some(Start::Fetch { terms, name_len })) => {
                    (PartialRequest::Fetch(terms), name_len)
                }
                Ok(Some(Start::Other(preamble))) => {
                    return Err((DecodeError::OtherProtocol(preamble), false));
                }
                Err(byte) => {
                    let is_fetch = byte.at > 2 && header.held().get(2) == Some(&FETCH_REQUEST_TYPE);
                    return Err((header_error(byte, is_fetch), is_fetch));
                }
            };
            let is_fetch = matches!(asked, PartialRequest::Fetch(_));
            self.state = State::Name(asked, FilenameBuffer::new(len));
            let max = Filename::<N>::MAX;
            if len > max {
                return Err((DecodeError::FilenameTooLong { len, max }, is_fetch));
            }
        }
        if let State::Name(_, name) = &mut self.state {
            name.append(input);
        }
        Ok(())
    }

    /// Makes the connection ready for the next request, or, after one of type 1, for none.
    fn returned(&mut self, asked: PartialRequest, filename: Filename<N>) -> ServeRequest<N> {
        self.is_first = false;
        match asked {
            PartialRequest::Get => {
                self.state = State::Closing;
                ServeRequest::Get(Request::new(filename))
            }
            PartialRequest::Fetch(terms) => {
                self.state = State::Header(HeaderBuffer::new());
                ServeRequest::Fetch(FetchRequest::with_terms(filename, terms))
            }
        }
    }
}

impl<const N: usize> Default for Serve<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialRequest {
    /// The length of the request up to its filename, in bytes.
    const fn header_len(&self) -> usize {
        match self {
            Self::Get => REQUEST_HEADER,
            Self::Fetch(_) => FETCH_REQUEST_HEADER,
        }
    }
}

/// Returns the request at the front of `input`, if it is whole and well-formed, and the bytes that
/// follow.
#[inline]
fn whole<const N: usize>(input: &[u8]) -> Option<(PartialRequest, Filename<N>, &[u8])> {
    let (input, start) = grammar::start(input).ok()?;
    let (asked, len) = match start {
        Start::Get { name_len } => (PartialRequest::Get, name_len),
        Start::Fetch { terms, name_len } => (PartialRequest::Fetch(terms), name_len),
        Start::Other(_) => return None,
    };
    let (name, rest) = input.split_at_checked(len.into())?;
    let filename = Filename::new(core::str::from_utf8(name).ok()?).ok()?;
    Some((asked, filename, rest))
}

/// Returns the error of R5 or R18 for a byte that is not allowed in a request's header.
fn header_error(InvalidByte { at, found }: InvalidByte, is_fetch: bool) -> DecodeError {
    match at {
        0 | 1 => DecodeError::BadMagic { at, found },
        2 => DecodeError::BadType { found },
        3 | 4 if is_fetch => DecodeError::BadLength { at, found },
        3 | 4 => DecodeError::BadFilenameLength { at, found },
        5 => DecodeError::BadFlags { at, found },
        6..=13 => DecodeError::UnexpectedOffset { at, found },
        _ => DecodeError::UnexpectedTag { at, found },
    }
}
