//! The client without I/O: what to send, what came, and whether the file is whole.

use core::fmt;

use crate::wire::take_front;
use crate::{DecodeError, MAX_FILENAME, RESPONSE_HEADER, Request, ResponseDecoder, ResponseHeader};

/// One exchange (R1) as seen by a client that any transport can drive.
///
/// Send what [`transmit`](Self::transmit) hands out, feed what comes to [`receive`](Self::receive),
/// and ask [`finish`](Self::finish) once it [is done](Self::is_done) or the connection has ended. The
/// crate's first page walks through a whole exchange.
///
/// A response may come before the whole request was sent (R5): read between the writes where the
/// transport can block.
#[must_use = "the file is whole only once `finish` has returned Ok"]
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Download<const N: usize = MAX_FILENAME> {
    request: Request<N>,
    /// How many bytes of the encoded request were handed out.
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

/// How much of the announced data a [`Download`] has received.
///
/// The two counts are those that R12 wants in the report of a truncated transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Progress {
    /// The number of data bytes that [`Download::receive`] has returned so far.
    pub received: u32,
    /// The data length that the response header announced, in bytes (R3).
    pub expected: u32,
}

/// What came, in order: one `Header`, any number of `Data`, one `End`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a> {
    /// The server's answer. A status other than [`File`](crate::Status::File) is followed by `End`.
    Header(ResponseHeader),
    /// The next bytes of the file; never empty, never beyond the announced length (R13).
    Data(&'a [u8]),
    /// The response is whole.
    End,
}

impl<const N: usize> Download<N> {
    /// A download that has sent and received nothing.
    pub const fn new(request: Request<N>) -> Self {
        Self { request, sent: 0, state: State::Header(ResponseDecoder::new()) }
    }

    /// What is asked for.
    pub const fn request(&self) -> &Request<N> {
        &self.request
    }

    /// Copies the next request bytes to the start of `out` and returns how many; 0 once all were
    /// handed out (or if `out` is empty).
    pub fn transmit(&mut self, out: &mut [u8]) -> usize {
        let copied = self.request.encode_from(self.sent, out);
        // At most 5 + 1024 bytes in all.
        self.sent = self.sent.saturating_add(u16::try_from(copied).unwrap_or_default());
        copied
    }

    /// Whether request bytes are still to be handed out.
    pub fn wants_transmit(&self) -> bool {
        usize::from(self.sent) < self.request.encoded_len()
    }

    /// Takes the next event off the front of `input`.
    ///
    /// `Ok(None)`: all of it was taken and more is needed, or the download is done and the rest is
    /// not part of it (R13). An empty `input` is not the end of the connection: that is
    /// [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`DownloadError::Decode`] at the first byte that is not a response (R11). The download then
    /// stays failed and repeats it.
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

    /// Returns the counts of received and announced data bytes; `None` until [`Event::Header`] was
    /// returned.
    ///
    /// Both counts are 0 after a header whose status is not [`File`](crate::Status::File). The counts
    /// stay available when the download is done, and when the connection ended early.
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

    /// Says whether the response is whole (R12). Call `finish` once the connection has ended, or when
    /// nothing more will be read from it: from then on [`progress`](Self::progress) is final.
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

/// Why there is no whole response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DownloadError {
    /// R11: what came is not a response.
    Decode(DecodeError),
    /// R12: the connection ended before the 8 bytes of the header had come.
    ClosedInHeader {
        /// How many had, 0 to 7.
        received: u8,
    },
    /// R12: the connection ended before the announced data had come.
    ClosedInData {
        /// How many bytes of data had.
        received: u32,
        /// How many were announced.
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
