//! A download on a smoltcp TCP socket: one call per turn of the poll loop, no device, no clock.

use core::task::Poll;

use fetchlet_codec::{Download, DownloadError, Event, Filename, Progress, Request, Status};
use smoltcp::socket::tcp::{RecvError, Socket, State};
use smoltcp::time::{Duration, Instant};

use crate::error::TransferError;
use crate::sink::Sink;

/// The longest timeout that a transfer keeps, a year; a longer one is shortened to this. A timeout
/// is added to a time, and the sum has to fit smoltcp's count of microseconds.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The time until the next poll after one that moved data. A sink may take seconds over its data,
/// so only the next poll starts to measure the server's silence; 10 ms are short beside any
/// timeout.
const REPOLL_DELAY: Duration = Duration::from_millis(10);

/// One exchange (R1) on a socket that is connecting or connected.
///
/// Received bytes go from the socket's receive buffer to the sink without a copy in between. A
/// [`Client`](crate::Client) has a transfer and a socket of its own; a `Transfer` alone is for a
/// stack of your own.
#[must_use = "a transfer does nothing unless it is polled"]
#[derive(Clone, Debug)]
pub struct Transfer<const N: usize> {
    download: Download<N>,
    timeout: Duration,
    phase: Phase,
}

/// The phases of a transfer, in their order; `Waiting` and `Moving` alternate.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No poll yet.
    New,
    /// The server has not accepted the connection since this time.
    Connecting(Instant),
    /// The server has moved nothing since this time.
    Waiting(Instant),
    /// The poll at this time moved data.
    Moving(Instant),
    /// The result was returned.
    Over,
}

impl<const N: usize> Transfer<N> {
    /// Makes a transfer of the file `filename`, which fails if the server moves nothing for
    /// `timeout` (R15), at most [`MAX_TIMEOUT`].
    pub const fn new(filename: Filename<N>, timeout: Duration) -> Self {
        // `Duration::min` is no `const fn`.
        let is_too_long = timeout.total_micros() > MAX_TIMEOUT.total_micros();
        let timeout = if is_too_long { MAX_TIMEOUT } else { timeout };
        Self { download: Download::new(Request::new(filename)), timeout, phase: Phase::New }
    }

    /// The counts of received and announced bytes of the file; `None` until the server has
    /// announced the length.
    pub const fn progress(&self) -> Option<Progress> {
        self.download.progress()
    }

    /// The time of the next [`poll`](Self::poll), unless the socket has received something before;
    /// `None` before the first poll and after the end.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::New | Phase::Over => None,
            Phase::Connecting(since) | Phase::Waiting(since) => Some(since + self.timeout),
            Phase::Moving(at) => Some(at + self.timeout.min(REPOLL_DELAY)),
        }
    }

    /// Moves data in both directions. Returns the file's length in bytes once `sink` has finished
    /// the file; pending before, and for ever after the result.
    ///
    /// The caller polls the transfer after each poll of the interface. With the result the socket
    /// is closed or reset, which takes further polls of the interface to reach the server. The
    /// transfer sets the socket's own timeout, to none while it runs.
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
        if matches!(self.phase, Phase::Over) {
            return Poll::Pending;
        }
        let polled = match self.connect(socket, now) {
            Poll::Ready(Ok(())) => self.exchange(socket, now, sink),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        };
        match polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(_)) => {
                // A last frame that gets lost must not keep the socket open for ever.
                socket.set_timeout(Some(self.timeout));
                socket.close();
            }
            Poll::Ready(Err(_)) => socket.abort(),
        }
        self.phase = Phase::Over;
        polled
    }

    /// Waits until the server has accepted the connection.
    fn connect<E>(
        &mut self,
        socket: &mut Socket<'_>,
        now: Instant,
    ) -> Poll<Result<(), TransferError<E>>> {
        let since = match self.phase {
            Phase::New => {
                // The end of the socket's own timeout would look like a refusal or a reset.
                socket.set_timeout(None);
                self.phase = Phase::Connecting(now);
                now
            }
            Phase::Connecting(since) => since,
            Phase::Waiting(_) | Phase::Moving(_) | Phase::Over => return Poll::Ready(Ok(())),
        };
        match socket.state() {
            State::Closed => Poll::Ready(Err(TransferError::Refused)),
            _ if socket.may_send() => {
                self.phase = Phase::Waiting(now);
                Poll::Ready(Ok(()))
            }
            _ if now < since + self.timeout => Poll::Pending,
            _ => Poll::Ready(Err(TransferError::ConnectTimedOut)),
        }
    }

    /// Sends the request and receives the response, as far as the socket allows.
    fn exchange<S: Sink>(
        &mut self,
        socket: &mut Socket<'_>,
        now: Instant,
        sink: &mut S,
    ) -> Poll<Result<u32, TransferError<S::Error>>> {
        if matches!(self.phase, Phase::Moving(_)) {
            self.phase = Phase::Waiting(now);
        }
        while self.download.wants_transmit() && socket.can_send() {
            // `send` fails only where `can_send` is false.
            socket.send(|room| (self.download.transmit(room), ())).ok();
        }
        while let Err(missing) = self.download.finish() {
            match socket.recv(|data| self.receive(data, sink)) {
                Ok(Ok(0)) if !self.download.is_done() => return self.wait(now, missing),
                Ok(Ok(_)) => self.phase = Phase::Moving(now),
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(RecvError::Finished) => {
                    return Poll::Ready(Err(TransferError::Download(missing)));
                }
                Err(RecvError::InvalidState) => {
                    return Poll::Ready(Err(TransferError::Reset(missing)));
                }
            }
        }
        let len = self.progress().map_or(0, |progress| progress.received);
        Poll::Ready(sink.finish().map_err(TransferError::Sink).map(|()| len))
    }

    /// Passes received bytes to the sink, all of them unless the file ends before. Returns their
    /// count for the socket, and the count again or an error.
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
                    Status::File => sink.begin(header.data_len()).map_err(TransferError::Sink)?,
                },
                Event::Data(data) => sink.write(data).map_err(TransferError::Sink)?,
                Event::End => {}
            }
        }
        Ok(())
    }

    /// Pending, unless the server has moved nothing for the length of the timeout; `missing` says
    /// what is missing of the response.
    fn wait<E>(&self, now: Instant, missing: DownloadError) -> Poll<Result<u32, TransferError<E>>> {
        match self.phase {
            Phase::Waiting(since) if now >= since + self.timeout => {
                Poll::Ready(Err(TransferError::TimedOut(missing)))
            }
            _ => Poll::Pending,
        }
    }
}
