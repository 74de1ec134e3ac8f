//! The request: from the first byte of a connection to a filename, or to the reason why there is
//! none.

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use fetchlet_codec::{DecodeError, RequestDecoder};
use tokio::io::Interest;
use tokio::time;

use super::socket::{EMPTY_BUFFER, ReadBuffer, Socket, is_would_block_or_interrupted};

/// How far a request has come. [`Empty`](Self::Empty) and [`Partial`](Self::Partial) requests go on
/// with the next byte; all other states are final.
#[derive(Debug)]
pub(super) enum RequestState {
    /// No byte has arrived.
    Empty,
    /// Some bytes have arrived, and each of them may belong to a request.
    Partial(Box<RequestDecoder>),
    /// The whole request has arrived: this is the filename in it.
    Complete(Arc<str>),
    /// A byte has arrived that belongs to no request (R5).
    Malformed(DecodeError),
    /// The peer ended or reset the connection after so many bytes, which are no request (R6).
    Closed {
        /// 0 if the connection was a probe.
        received: usize,
    },
    /// The runtime can't wait for more bytes.
    Failed(io::Error),
}

impl RequestState {
    /// Reads once, by `recv`, which does not wait.
    ///
    /// Not async: the buffer lives on the thread's stack, not in the task.
    pub(super) fn read(&mut self, recv: impl FnOnce(&mut ReadBuffer) -> io::Result<&[u8]>) {
        let mut buffer = EMPTY_BUFFER;
        let state = mem::replace(self, Self::Empty);
        *self = state.advance(recv(&mut buffer));
    }

    /// Reads until the state is final. After `timeout` the state is left as it is then, `Empty` or
    /// `Partial`.
    pub(super) async fn read_to_end(&mut self, socket: &mut Socket, timeout: Duration) {
        let read = async {
            while !self.is_final() {
                match socket.ready(Interest::READABLE).await {
                    Ok(()) => self.read(|buffer| socket.recv(buffer)),
                    Err(error) => *self = Self::Failed(error),
                }
            }
        };
        time::timeout(timeout, read).await.ok();
    }

    pub(super) const fn is_final(&self) -> bool {
        !matches!(self, Self::Empty | Self::Partial(_))
    }

    /// How many bytes of an unfinished request have arrived.
    pub(super) fn received(&self) -> usize {
        match self {
            Self::Partial(decoder) => decoder.received(),
            Self::Closed { received } => *received,
            _ => 0,
        }
    }

    /// The state after a read.
    fn advance(mut self, received: io::Result<&[u8]>) -> Self {
        let mut input = match received {
            Ok([]) => return Self::Closed { received: self.received() },
            Ok(bytes) => bytes,
            Err(error) if is_would_block_or_interrupted(&error) => return self,
            Err(_) => return Self::Closed { received: self.received() },
        };
        // A request that arrives in one piece needs no decoder on the heap.
        let mut fresh = RequestDecoder::new();
        let decoder = match &mut self {
            Self::Partial(decoder) => &mut **decoder,
            _ => &mut fresh,
        };
        match decoder.decode(&mut input) {
            Ok(Some(request)) => Self::Complete(request.filename().as_str().into()),
            Ok(None) if matches!(self, Self::Partial(_)) => self,
            Ok(None) => Self::Partial(Box::new(fresh)),
            Err(error) => Self::Malformed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"\x49\x7E\x01\x00\x05h.txt";

    fn after(pieces: &[&[u8]]) -> RequestState {
        pieces.iter().fold(RequestState::Empty, |state, piece| state.advance(Ok(piece)))
    }

    #[test]
    fn a_request_is_complete_wherever_it_was_cut() {
        for cut in 1..REQUEST.len() {
            let (start, end) = REQUEST.split_at(cut);
            let partial = after(&[start]);
            assert!(!partial.is_final() && partial.received() == cut, "{partial:?}");
            let complete = after(&[start, end]);
            assert!(matches!(&complete, RequestState::Complete(name) if **name == *"h.txt"));
        }
    }

    #[test]
    fn an_end_tells_how_much_had_arrived() {
        for (pieces, expected) in [(&[][..], 0), (&[&REQUEST[..3]], 3), (&[b"\x49", b"\x7E"], 2)] {
            let closed = after(pieces).advance(Ok(&[]));
            assert!(matches!(closed, RequestState::Closed { received } if received == expected));
            let reset = after(pieces).advance(Err(io::ErrorKind::ConnectionReset.into()));
            assert!(matches!(reset, RequestState::Closed { received } if received == expected));
        }
    }

    #[test]
    fn a_read_that_brings_nothing_changes_nothing() {
        for kind in [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted] {
            assert!(matches!(RequestState::Empty.advance(Err(kind.into())), RequestState::Empty));
            assert_eq!(after(&[&REQUEST[..7]]).advance(Err(kind.into())).received(), 7);
        }
    }

    #[test]
    fn a_byte_that_belongs_to_no_request_is_told_at_once() {
        assert!(matches!(after(&[b"G"]), RequestState::Malformed(_)));
        assert!(matches!(after(&[&REQUEST[..4], b"\x00"]), RequestState::Malformed(_)));
    }
}
