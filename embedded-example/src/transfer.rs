//! A download on a smoltcp TCP socket: one call per visit of the poll loop, no device, no clock.

use core::fmt;
use core::task::Poll;

use fetchlet_codec::{Download, DownloadError, Event, Filename, Request, Status};
use smoltcp::socket::tcp::{RecvError, Socket, State};
use smoltcp::time::{Duration, Instant};

use crate::Sink;

/// How soon after data was moved to look again, since when the peer may have moved nothing.
const RECOVERY: Duration = Duration::from_millis(10);

/// One exchange (R1) on a socket that is connecting or connected.
///
/// The data goes from the socket's receive ring to the sink without a copy in between.
#[must_use = "a transfer does nothing unless it is polled"]
#[derive(Clone, Debug)]
pub struct Transfer<const N: usize> {
    download: Download<N>,
    timeout: Duration,
    /// Since when the peer may have moved nothing; none before the first poll.
    idle_since: Option<Instant>,
    /// Data was moved in the last poll. How long the sink took over it is not the peer's time.
    moved: bool,
    connected: bool,
    ended: bool,
    received: u32,
    len: Option<u32>,
}

/// Why there is no file. `E` is the sink's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransferError<E> {
    /// The server's host answered that nothing listens there: a reset before the connection was seen.
    Refused,
    /// Nobody accepted the connection for as long as the time-out allows (R15).
    ConnectTimedOut,
    /// The server sent nothing more for as long as the time-out allows (R15); what is missing then.
    TimedOut(DownloadError),
    /// The server reset the connection; what is missing then, with both counts.
    Reset(DownloadError),
    /// What came is not a response (R11), or it ended early, with both counts (R12).
    Download(DownloadError),
    /// The server has no such file (R8). The sink was given nothing.
    NotFound,
    /// The server found the request malformed (R5). The sink was given nothing.
    Malformed,
    /// The sink failed.
    Sink(E),
}

impl<const N: usize> Transfer<N> {
    /// A transfer of the file of this name, which fails if nothing moves for `timeout` (R15).
    pub const fn new(filename: Filename<N>, timeout: Duration) -> Self {
        let download = Download::new(Request::new(filename));
        Self {
            download,
            timeout,
            idle_since: None,
            moved: false,
            connected: false,
            ended: false,
            received: 0,
            len: None,
        }
    }

    /// The file's length in bytes, once it is announced.
    #[expect(clippy::len_without_is_empty, reason = "the length of what is to come")]
    pub const fn len(&self) -> Option<u32> {
        self.len
    }

    /// How many bytes of the file the sink was given.
    pub const fn received(&self) -> u32 {
        self.received
    }

    /// When [`poll`](Self::poll) has to be called at the latest; none before the first call.
    pub fn deadline(&self) -> Option<Instant> {
        let wait = if self.moved { self.timeout.min(RECOVERY) } else { self.timeout };
        self.idle_since.map(|since| since + wait)
    }

    /// Moves what can be moved; ready with the file's length once the sink has finished the file.
    ///
    /// Call it after each poll of the interface. At its end, whichever it is, the socket is closed or
    /// reset, which takes further polls of the interface to reach the peer; the transfer itself is over,
    /// and pending for ever. The socket's own time-out is taken over, and is none while it fetches.
    ///
    /// # Errors
    ///
    /// A [`TransferError`]: the transfer is over.
    pub fn poll<S: Sink>(
        &mut self,
        socket: &mut Socket<'_>,
        now: Instant,
        sink: &mut S,
    ) -> Poll<Result<u32, TransferError<S::Error>>> {
        if self.ended {
            return Poll::Pending;
        }
        let polled = self.advance(socket, now, sink);
        self.ended = polled.is_ready();
        match polled {
            Poll::Pending => {}
            Poll::Ready(Ok(_)) => {
                // A last frame that gets lost must not keep the socket open for ever.
                socket.set_timeout(Some(self.timeout));
                socket.close();
            }
            Poll::Ready(Err(_)) => socket.abort(),
        }
        polled
    }

    fn advance<S: Sink>(
        &mut self,
        socket: &mut Socket<'_>,
        now: Instant,
        sink: &mut S,
    ) -> Poll<Result<u32, TransferError<S::Error>>> {
        if self.idle_since.is_none() {
            // Its end would look like a refusal or a reset.
            socket.set_timeout(None);
        }
        if self.idle_since.is_none() || core::mem::take(&mut self.moved) {
            self.idle_since = Some(now);
        }
        if !self.connected {
            match socket.state() {
                State::Closed => return Poll::Ready(Err(TransferError::Refused)),
                _ if !socket.may_send() => return self.wait(now),
                _ => self.connected = true,
            }
            self.idle_since = Some(now);
        }
        while self.download.wants_transmit() && socket.can_send() {
            // It can: that was just asked.
            socket.send(|room| (self.download.transmit(room), ())).ok();
        }
        loop {
            match socket.recv(|data| self.receive(data, sink)) {
                Ok(Ok(0)) if !self.download.is_done() => return self.wait(now),
                Ok(Ok(_)) => (self.moved, self.idle_since) = (true, Some(now)),
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(error) => return Poll::Ready(self.ended(error)),
            }
            if self.download.is_done() {
                let finished = sink.finish().map_err(TransferError::Sink);
                return Poll::Ready(finished.map(|()| self.received));
            }
        }
    }

    /// Takes what is in the ring, all of it unless the file ends before: how much, and how it went.
    fn receive<S: Sink>(
        &mut self,
        data: &[u8],
        sink: &mut S,
    ) -> (usize, Result<usize, TransferError<S::Error>>) {
        let mut input = data;
        let result = self.consume(&mut input, sink);
        let taken = data.len().saturating_sub(input.len());
        (taken, result.map(|()| taken))
    }

    fn consume<S: Sink>(
        &mut self,
        input: &mut &[u8],
        sink: &mut S,
    ) -> Result<(), TransferError<S::Error>> {
        while let Some(event) = self.download.receive(input).map_err(TransferError::Download)? {
            match event {
                Event::Header(header) => match header.status() {
                    Status::NotFound => return Err(TransferError::NotFound),
                    Status::Malformed => return Err(TransferError::Malformed),
                    Status::File => {
                        self.len = Some(header.data_len());
                        sink.begin(header.data_len()).map_err(TransferError::Sink)?;
                    }
                },
                Event::Data(data) => {
                    sink.write(data).map_err(TransferError::Sink)?;
                    // In all at most what was announced, which is a u32.
                    self.received = self.received.saturating_add(data.len() as u32);
                }
                Event::End => {}
            }
        }
        Ok(())
    }

    fn wait<T, E>(&self, now: Instant) -> Poll<Result<T, TransferError<E>>> {
        if self.moved || self.deadline().is_none_or(|deadline| now < deadline) {
            return Poll::Pending;
        }
        Poll::Ready(Err(match self.download.finish() {
            Err(missing) if self.connected => TransferError::TimedOut(missing),
            _ => TransferError::ConnectTimedOut,
        }))
    }

    /// The connection has ended, and all that came was taken.
    fn ended<E>(&self, how: RecvError) -> Result<u32, TransferError<E>> {
        match (self.download.finish(), how) {
            (Ok(()), _) => Ok(self.received),
            (Err(error), RecvError::Finished) => Err(TransferError::Download(error)),
            (Err(error), RecvError::InvalidState) => Err(TransferError::Reset(error)),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for TransferError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the server refused the connection"),
            Self::ConnectTimedOut => f.write_str("nobody accepted the connection in time (R15)"),
            Self::TimedOut(DownloadError::ClosedInData { received, expected }) => {
                write!(
                    f,
                    "the server sent nothing for too long (R15), {received} of {expected} bytes in"
                )
            }
            Self::TimedOut(_) => f.write_str("the server sent nothing for too long (R15)"),
            Self::Reset(error) => write!(f, "the server reset the connection: {error}"),
            Self::Download(error) => fmt::Display::fmt(error, f),
            Self::Malformed => f.write_str("the server found the request malformed (R5)"),
            Self::NotFound => f.write_str("the server has no such file (R8)"),
            Self::Sink(error) => write!(f, "the sink failed: {error:?}"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for TransferError<E> {}
