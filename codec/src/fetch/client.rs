//! The client of FETCH without I/O: the bytes to send, the events received, and whether the
//! response is whole.

use super::error::FetchError;
use super::grammar::{self, ParsedAnswer};
use super::request::FetchRequest;
use super::response::FetchResponse;
use crate::download::Progress;
use crate::grammar::{HeaderBuffer, InvalidByte, take_front};
use crate::wire::FETCH_RESPONSE_FIELDS;
use crate::{DecodeError, MAX_FILENAME};

/// The client's side of a FETCH, driven by any transport; after its end also of the next one on the
/// same connection (R32).
///
/// The driver sends the bytes that [`transmit`](Self::transmit) returns, passes the bytes that
/// arrive to [`receive`](Self::receive), and calls [`finish`](Self::finish) once the response [is
/// done](Self::is_done) or the connection has ended. Then [`next_request`](Self::next_request) asks
/// again on the connection.
///
/// The response is whole when `finish` returns `Ok`; whether the *file* is whole, R26 says.
///
/// ```
/// use fetchlet_codec::{Fetch, FetchEvent, FetchRequest, FetchResponse, Filename};
///
/// let name = Filename::<64>::new("h.txt")?;
/// let mut fetch = Fetch::new(FetchRequest::new(name.clone()).from_offset(3));
/// let mut out = [0; 64];
/// assert_eq!(fetch.transmit(&mut out), 39); // Send out[..39] over TCP.
///
/// let mut data = Vec::new();
/// let mut input: &[u8] = b"\x49\x7E\x04\x01\0\0\0\x24\0\x22\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x03\
///     a tag, 16 bytes.lo";
/// while let Some(event) = fetch.receive(&mut input)? {
///     match event {
///         FetchEvent::Response(FetchResponse::Data { known, .. }) => assert_eq!(known.total(), 5),
///         FetchEvent::Response(other) => panic!("no data: {other:?}"),
///         FetchEvent::Data(bytes) => data.extend_from_slice(bytes),
///         FetchEvent::End => break,
///     }
/// }
/// fetch.finish()?;
/// assert_eq!(data, b"lo");
/// // The connection is still open.
/// fetch.next_request(FetchRequest::new(name)).expect("the response is done");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "the response is whole only once `finish` has returned Ok"]
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fetch<const N: usize = MAX_FILENAME> {
    request: FetchRequest<N>,
    /// The number of bytes of the encoded request that `transmit` has returned.
    sent: u16,
    /// Whether no response of type 4 has arrived on the connection (R35).
    is_first: bool,
    state: State,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum State {
    Head(HeaderBuffer<FETCH_RESPONSE_FIELDS>),
    Data {
        /// The bytes that have arrived before the data.
        head: u16,
        /// The bytes before the data that are still to be skipped (R19).
        skip: u8,
        progress: Progress,
        /// Whether the server closes after this response.
        is_last: bool,
    },
    Done {
        expected: u32,
        is_last: bool,
    },
    Failed(FetchError),
}

/// A part of the response, in order: one `Response`, any number of `Data`, one `End`.
#[expect(clippy::exhaustive_enums, reason = "a driver that ignores an event loses data")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FetchEvent<'a> {
    /// The server's answer. After one other than [`FetchResponse::Data`], `End` is next.
    Response(FetchResponse),
    /// The next bytes of the file, at least one, never beyond the announced length.
    Data(&'a [u8]),
    /// The response is whole.
    End,
}

impl<const N: usize> Fetch<N> {
    /// The first request on a new connection (R31, R35).
    pub const fn new(request: FetchRequest<N>) -> Self {
        let state = State::Head(HeaderBuffer::new());
        Self { request, sent: 0, is_first: true, state }
    }

    /// A later request on a connection on which a response of type 4 has begun to arrive, so that
    /// the server knows FETCH. Its bytes may be sent before the earlier responses are whole (R31);
    /// its response comes after theirs (R32), so pass it the bytes that they left.
    pub const fn following(request: FetchRequest<N>) -> Self {
        let state = State::Head(HeaderBuffer::new());
        Self { request, sent: 0, is_first: false, state }
    }

    /// Begins another request on the same connection.
    ///
    /// # Errors
    ///
    /// The request itself, unless [`is_reusable`](Self::is_reusable).
    pub fn next_request(&mut self, request: FetchRequest<N>) -> Result<(), FetchRequest<N>> {
        if !self.is_reusable() {
            return Err(request);
        }
        *self = Self::following(request);
        Ok(())
    }

    /// Whether the connection can carry another request: [`FetchEvent::End`] was returned, and the
    /// response was not [`FetchResponse::Malformed`], after which the server closes (R32).
    pub const fn is_reusable(&self) -> bool {
        matches!(self.state, State::Done { is_last: false, .. })
    }

    /// The request that this machine sends.
    pub const fn request(&self) -> &FetchRequest<N> {
        &self.request
    }

    /// Copies the next bytes of the request to the start of `out`. Returns the number of bytes
    /// copied: 0 once the whole request has been returned, or if `out` is empty.
    ///
    /// R31: the first request leaves alone, in one write. With a room of
    /// [`encoded_len`](FetchRequest::encoded_len) bytes the first call returns all of it.
    pub fn transmit(&mut self, out: &mut [u8]) -> usize {
        let copied = self.request.encode_from(self.sent, out);
        // In total at most 34 + 1024 bytes.
        self.sent = self.sent.saturating_add(u16::try_from(copied).unwrap_or_default());
        copied
    }

    /// Whether [`transmit`](Self::transmit) has bytes to return.
    pub fn wants_transmit(&self) -> bool {
        usize::from(self.sent) < self.request.encoded_len()
    }

    /// Takes the next event off the front of `input`.
    ///
    /// Returns `Ok(None)` if all bytes of `input` were taken and more are needed, or if the
    /// response is done; bytes left in `input` are then those of the next response. An empty
    /// `input` does not mean that the connection has ended: call [`finish`](Self::finish) for that.
    ///
    /// # Errors
    ///
    /// [`FetchError::Decode`] at the first byte that shows that the response is malformed (R22);
    /// [`FetchError::FirstPairOnly`] after the answer of a server that does not know FETCH (R35).
    /// Every later call returns the same error.
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<FetchEvent<'a>>, FetchError> {
        match &mut self.state {
            State::Head(_) => self.receive_head(input),
            State::Data { head, skip, progress, is_last } => {
                if *skip > 0 {
                    let skipped = u8::try_from(take_front(input, (*skip).into()).len());
                    *skip = skip.saturating_sub(skipped.unwrap_or_default());
                    *head = head.saturating_add(skipped.unwrap_or_default().into());
                    if *skip > 0 {
                        return Ok(None);
                    }
                }
                let Progress { received, expected } = progress;
                if received == expected {
                    self.state = State::Done { expected: *expected, is_last: *is_last };
                    return Ok(Some(FetchEvent::End));
                }
                let missing = expected.saturating_sub(*received);
                let data = take_front(input, usize::try_from(missing).unwrap_or(usize::MAX));
                // At most `missing`, which is a u32.
                *received = received.saturating_add(u32::try_from(data.len()).unwrap_or_default());
                Ok((!data.is_empty()).then_some(FetchEvent::Data(data)))
            }
            State::Done { .. } => Ok(None),
            State::Failed(error) => Err(*error),
        }
    }

    /// Takes bytes of the response before its data off the front of `input`.
    fn receive_head<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<FetchEvent<'a>>, FetchError> {
        let State::Head(buffer) = &mut self.state else { return Ok(None) };
        let (terms, is_first) = (self.request.terms(), self.is_first);
        let len = input.len();
        // Parsed where the bytes are: nearly all heads arrive in one piece.
        let answer = match grammar::answer(input, terms, is_first) {
            Ok((rest, answer)) if buffer.is_empty() => {
                *input = rest;
                Ok(Some((answer, len.saturating_sub(rest.len()))))
            }
            _ => {
                let held = buffer.held().len();
                buffer
                    .gather(input, |bytes| grammar::answer(bytes, terms, is_first))
                    .map(|answer| {
                        let taken = len.saturating_sub(input.len());
                        answer.map(|answer| (answer, held.saturating_add(taken)))
                    })
                    .map_err(|byte| FetchError::Decode(head_error(byte)))
            }
        };
        match answer {
            Ok(None) => Ok(None),
            Ok(Some((ParsedAnswer::Fetch { response, unknown_len }, head))) => {
                self.state = State::Data {
                    head: u16::try_from(head).unwrap_or(u16::MAX),
                    skip: unknown_len,
                    progress: Progress { received: 0, expected: response.data_len() },
                    is_last: response == FetchResponse::Malformed,
                };
                Ok(Some(FetchEvent::Response(response)))
            }
            Ok(Some((ParsedAnswer::FirstPair, _))) => self.fail(FetchError::FirstPairOnly),
            Err(error) => self.fail(error),
        }
    }

    fn fail<T>(&mut self, error: FetchError) -> Result<T, FetchError> {
        self.state = State::Failed(error);
        Err(error)
    }

    /// The received and the announced length of the data; `None` until [`FetchEvent::Response`] was
    /// returned. Both are 0 if the response has no data.
    pub const fn progress(&self) -> Option<Progress> {
        match &self.state {
            State::Data { progress, .. } => Some(*progress),
            State::Done { expected, .. } => {
                Some(Progress { received: *expected, expected: *expected })
            }
            State::Head(_) | State::Failed(_) => None,
        }
    }

    /// Whether [`FetchEvent::End`] was returned.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done { .. })
    }

    /// Checks that the response is whole (R12). Call `finish` once the connection has ended, or
    /// when no more of it will be read.
    ///
    /// # Errors
    ///
    /// [`FetchError::ClosedBetween`], [`FetchError::ClosedInHead`] or [`FetchError::ClosedInData`]
    /// if the response is not whole; the error of [`receive`](Self::receive), if it has returned
    /// one.
    #[must_use = "the response is whole only if `finish` returns Ok (R12)"]
    pub fn finish(&self) -> Result<(), FetchError> {
        match &self.state {
            State::Head(buffer) if buffer.is_empty() && !self.is_first => {
                Err(FetchError::ClosedBetween)
            }
            State::Head(buffer) => Err(FetchError::ClosedInHead { received: buffer.len().into() }),
            State::Data { head, skip: 1.., .. } => {
                Err(FetchError::ClosedInHead { received: *head })
            }
            State::Data { progress: Progress { received, expected }, .. }
                if received < expected =>
            {
                Err(FetchError::ClosedInData { received: *received, expected: *expected })
            }
            State::Data { .. } | State::Done { .. } => Ok(()),
            State::Failed(error) => Err(*error),
        }
    }
}

/// The flags that no response may have (R21), whatever was asked.
const REFUSED_FLAGS: u8 = 0x0C;

/// The largest status of R19.
const MAX_STATUS: u8 = 6;

/// Returns the error of R11 or R22 for a byte that is not allowed in a response's head.
fn head_error(InvalidByte { at, found }: InvalidByte) -> DecodeError {
    const STATUS: u8 = 3;
    const FLAGS: u8 = 8;
    match at {
        0 | 1 => DecodeError::BadMagic { at, found },
        2 => DecodeError::BadType { found },
        STATUS if found > MAX_STATUS => DecodeError::BadStatus { found },
        FLAGS if found & REFUSED_FLAGS != 0 => DecodeError::BadFlags { at, found },
        _ => DecodeError::Contradiction { at, found },
    }
}
