//! The client without I/O: the bytes to send, the events received, and whether the file is whole.

use core::fmt;

use crate::grammar::take_front;
use crate::{DecodeError, MAX_FILENAME, RESPONSE_HEADER, Request, ResponseDecoder, ResponseHeader};

/// The client's side of one exchange (R1), driven by any transport.
///
/// The driver sends the bytes that [`transmit`](Self::transmit) returns, passes the bytes that
/// arrive to [`receive`](Self::receive), and calls [`finish`](Self::finish) once the download [is
/// done](Self::is_done) or the connection has ended. The crate's first page walks through a whole
/// exchange.
///
/// A response may arrive before the whole request is sent (R5): a driver whose writes can block
/// should read between the writes.
#[must_use = "the file is whole only once `finish` has returned Ok"]
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Download<const N: usize = MAX_FILENAME> {
    request: Request<N>,
    /// The number of bytes of the encoded request that `transmit` has returned.
    sent: u16,
    state: State,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum State {
    Header(ResponseDecoder),
    Data(Progress),
    Done { expected: u32 },
    Failed(DownloadError),
}

/// The length of the data that a [`Download`] has received, and the length that was announced.
///
/// R12 asks for these two counts in the report of a truncated transfer.
#[expect(clippy::exhaustive_structs, reason = "R12 names the two counts; callers compare them")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Progress {
    /// The length of the data that [`Download::receive`] has returned so far, in bytes.
    pub received: u32,
    /// The data length that the response header announced, in bytes (R3).
    pub expected: u32,
}

/// A part of the response, in order: one `Header`, any number of `Data`, one `End`.
#[expect(clippy::exhaustive_enums, reason = "a driver that ignores an event loses data")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a> {
    /// The server's answer. After a status other than [`File`](crate::Status::File), `End` is next.
    Header(ResponseHeader),
    /// The next bytes of the file, at least one, never beyond the announced length (R13).
    Data(&'a [u8]),
    /// The response is whole.
    End,
}

impl<const N: usize> Download<N> {
    /// A download that has sent and received nothing.
    pub const fn new(request: Request<N>) -> Self {
        Self { request, sent: 0, state: State::Header(ResponseDecoder::new()) }
    }

    /// The request that this download sends.
    pub const fn request(&self) -> &Request<N> {
        &self.request
    }

    /// Copies the next bytes of the request to the start of `out`. Returns the number of bytes
    /// copied: 0 once the whole request has been returned, or if `out` is empty.
    pub fn transmit(&mut self, out: &mut [u8]) -> usize {
        let copied = self.request.encode_from(self.sent, out);
        // In total at most 5 + 1024 bytes.
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
    /// download is done; bytes left in `input` are then not part of the response (R13). An empty
    /// `input` does not mean that the connection has ended: call [`finish`](Self::finish) for that.
    ///
    /// # Errors
    ///
    /// [`DownloadError::Decode`] at the first byte that shows that the response is malformed (R11).
    /// Every later call returns the same error.
    pub fn receive<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Event<'a>>, DownloadError> {
        match &mut self.state {
            State::Header(decoder) => match decoder.decode(input) {
                Ok(None) => Ok(None),
                Ok(Some(header)) => {
                    let expected = header.data_len();
                    self.state = State::Data(Progress { received: 0, expected });
                    Ok(Some(Event::Header(header)))
                }
                Err(error) => {
                    let error = DownloadError::Decode(error);
                    self.state = State::Failed(error);
                    Err(error)
                }
            },
            State::Data(Progress { received, expected }) if received == expected => {
                self.state = State::Done { expected: *expected };
                Ok(Some(Event::End))
            }
            State::Data(Progress { received, expected }) => {
                let missing = expected.saturating_sub(*received);
                let data = take_front(input, usize::try_from(missing).unwrap_or(usize::MAX));
                // At most `missing`, which is a u32.
                *received = received.saturating_add(u32::try_from(data.len()).unwrap_or_default());
                Ok((!data.is_empty()).then_some(Event::Data(data)))
            }
            State::Done { .. } => Ok(None),
            State::Failed(error) => Err(*error),
        }
    }

    /// The received and the announced length of the data; `None` until [`Event::Header`] was
    /// returned.
    ///
    /// Both lengths are 0 if the status is not [`File`](crate::Status::File). Both stay available
    /// when the download is done, and when the connection ended early.
    ///
    /// ```
    /// use fetchlet_codec::{Download, DownloadError, Filename, Progress, Request};
    ///
    /// let mut download = Download::<64>::new(Request::new(Filename::new("h.txt")?));
    /// assert_eq!(download.progress(), None);
    ///
    /// let mut input: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x05hel";
    /// while download.receive(&mut input)?.is_some() {}
    /// assert_eq!(download.progress(), Some(Progress { received: 3, expected: 5 }));
    ///
    /// // The connection ends here.
    /// let truncated = DownloadError::ClosedInData { received: 3, expected: 5 };
    /// assert_eq!(download.finish(), Err(truncated));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub const fn progress(&self) -> Option<Progress> {
        match &self.state {
            State::Data(progress) => Some(*progress),
            State::Done { expected } => Some(Progress { received: *expected, expected: *expected }),
            State::Header(_) | State::Failed(_) => None,
        }
    }

    /// Whether [`Event::End`] was returned.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done { .. })
    }

    /// Checks that the response is whole (R12). Call `finish` once the connection has ended, or
    /// when no more of it will be read: from then on, [`progress`](Self::progress) is final.
    ///
    /// # Errors
    ///
    /// [`DownloadError::ClosedInHeader`] or [`DownloadError::ClosedInData`] if the response is not
    /// whole; [`DownloadError::Decode`] if [`receive`](Self::receive) has returned that error.
    #[must_use = "the file is whole only if `finish` returns Ok (R12)"]
    pub fn finish(&self) -> Result<(), DownloadError> {
        match &self.state {
            State::Header(decoder) => {
                Err(DownloadError::ClosedInHeader { received: decoder.received() })
            }
            State::Data(Progress { received, expected }) if received < expected => {
                Err(DownloadError::ClosedInData { received: *received, expected: *expected })
            }
            State::Data(_) | State::Done { .. } => Ok(()),
            State::Failed(error) => Err(*error),
        }
    }
}

/// The reason why there is no whole response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DownloadError {
    /// R11: the bytes received are not a response.
    Decode(DecodeError),
    /// R12: the connection ended before the 8 bytes of the header had arrived.
    ClosedInHeader {
        /// The number of header bytes that had arrived, 0 to 7.
        received: u8,
    },
    /// R12: the connection ended before the announced data had arrived.
    ClosedInData {
        /// The length of the data that had arrived, in bytes.
        received: u32,
        /// The announced length of the data, in bytes.
        expected: u32,
    },
}

impl fmt::Display for DownloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => fmt::Display::fmt(error, f),
            Self::ClosedInHeader { received } => write!(
                f,
                "the connection ended after {received} of the header's {RESPONSE_HEADER} bytes (R12)"
            ),
            Self::ClosedInData { received, expected } => {
                write!(f, "the connection ended after {received} of {expected} bytes (R12)")
            }
        }
    }
}

impl core::error::Error for DownloadError {}

impl From<DecodeError> for DownloadError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}
