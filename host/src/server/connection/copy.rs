//! From any body to any transport, through the memory of the server.
//!
//! [`sendfile_loop`](super::sendfile::sendfile_loop) is the fast way for one pair of them, a file
//! and a socket. This is the way for every other pair, and for files of a file system that refuses
//! sendfile.

use std::time::{Duration, Instant};

use tokio::task::coop;

use super::body::Body;
use super::send_error::SendError;
use super::send_window::ReaderRate;
use super::transport::Transport;

/// How many bytes are copied at a time: a quarter of what may wait in the kernel for a slow reader,
/// so that a reader that holds up a copy takes little more memory than any other slow one.
const COPY_LEN: usize = 32 * 1024;

/// Sends `body`, and counts up `sent` by each byte that `transport` has taken. Other tasks have
/// their turn between chunks.
///
/// # Errors
///
/// The errors of `body` and of `transport`.
pub(super) async fn copy_loop(
    body: &mut impl Body,
    transport: &mut impl Transport,
    timeout: Duration,
    sent: &mut u32,
) -> Result<(), SendError> {
    let mut chunk = Vec::new();
    let mut rate = ReaderRate::new(*sent, Instant::now());
    loop {
        chunk = body.read(chunk, COPY_LEN).await.map_err(SendError::File)?;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut unsent = &chunk[..];
        while !unsent.is_empty() {
            let len = transport.send(unsent, timeout).await.map_err(SendError::Connection)?;
            unsent = unsent.get(len..).unwrap_or_default();
            // No more than the announced length, which is a `u32` (R3).
            *sent = sent.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        }
        transport.record(&mut rate, *sent, Instant::now());
        coop::consume_budget().await;
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use rustix::io::Errno;
    use socket2::SockRef;

    use super::super::socket::Socket;
    use super::*;

    /// A body that is no file: so many bytes, each its offset modulo 251.
    struct Pattern {
        offset: usize,
        len: usize,
    }

    impl Pattern {
        const fn new(len: usize) -> Self {
            Self { offset: 0, len }
        }

        fn bytes(len: usize) -> Vec<u8> {
            (0..len).map(|at| (at % 251) as u8).collect()
        }
    }

    impl Body for Pattern {
        async fn read(&mut self, mut chunk: Vec<u8>, max_len: usize) -> io::Result<Vec<u8>> {
            let end = self.len.min(self.offset + max_len);
            chunk.clear();
            chunk.extend((self.offset..end).map(|at| (at % 251) as u8));
            self.offset = end;
            Ok(chunk)
        }
    }

    /// A transport that is no socket: takes at most 1000 bytes at a time, and fails after so many.
    struct MemoryTransport {
        taken: Vec<u8>,
        room: usize,
        /// What was recorded as sent.
        recorded: Vec<u32>,
    }

    impl MemoryTransport {
        const fn new(room: usize) -> Self {
            Self { taken: Vec::new(), room, recorded: Vec::new() }
        }
    }

    impl Transport for MemoryTransport {
        async fn send(&mut self, bytes: &[u8], _timeout: Duration) -> io::Result<usize> {
            let len = bytes.len().min(1000).min(self.room - self.taken.len());
            self.taken.extend_from_slice(&bytes[..len]);
            if len == 0 { Err(Errno::CONNRESET.into()) } else { Ok(len) }
        }

        fn record(&mut self, _rate: &mut ReaderRate, sent: u32, _now: Instant) {
            self.recorded.push(sent);
        }
    }

    fn connected() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = listener.accept().unwrap().0;
        accepted.set_nonblocking(true).unwrap();
        (Socket::Unregistered(accepted), client)
    }

    #[tokio::test]
    async fn any_body_arrives_whole_by_any_transport() {
        for len in [0, 1, COPY_LEN - 1, COPY_LEN, COPY_LEN + 1, 10 * COPY_LEN + 7] {
            let mut memory = MemoryTransport::new(usize::MAX);
            let mut sent = 0;
            copy_loop(&mut Pattern::new(len), &mut memory, Duration::MAX, &mut sent).await.unwrap();
            assert!(memory.taken == Pattern::bytes(len), "{len} bytes");
            assert_eq!(sent as usize, len);
            let chunks = (1..=len.div_ceil(COPY_LEN)).map(|count| len.min(count * COPY_LEN));
            assert!(memory.recorded.iter().map(|it| *it as usize).eq(chunks), "{len} bytes");
        }
    }

    #[tokio::test]
    async fn what_was_sent_before_a_failure_is_counted() {
        let mut memory = MemoryTransport::new(COPY_LEN + 1234);
        let mut sent = 5;
        let mut body = Pattern::new(1 << 20);
        let copied = copy_loop(&mut body, &mut memory, Duration::MAX, &mut sent).await;
        let Err(SendError::Connection(error)) = copied else { panic!("{copied:?}") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(sent as usize, 5 + COPY_LEN + 1234);
    }

    /// On a single thread, by a transport that never waits.
    #[tokio::test]
    async fn other_tasks_have_their_turn_while_a_body_is_copied() {
        /// Notes whether the other task had its turn.
        struct Watched(Arc<AtomicBool>, Arc<Mutex<Vec<bool>>>);

        impl Transport for Watched {
            async fn send(&mut self, bytes: &[u8], _timeout: Duration) -> io::Result<usize> {
                self.1.lock().unwrap().push(self.0.load(Ordering::Relaxed));
                Ok(bytes.len())
            }

            fn record(&mut self, _rate: &mut ReaderRate, _sent: u32, _now: Instant) {}
        }

        let (turn, seen) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut watched = Watched(Arc::clone(&turn), Arc::clone(&seen));
        let other = async move { turn.store(true, Ordering::Relaxed) };
        let copy = tokio::spawn(async move {
            let other = tokio::spawn(other);
            let mut body = Pattern::new(1000 * COPY_LEN);
            copy_loop(&mut body, &mut watched, Duration::MAX, &mut 0).await.unwrap();
            other.await.unwrap();
        });
        copy.await.unwrap();
        let seen = seen.lock().unwrap();
        assert!(!seen[0] && seen[999], "it had no turn in 1000 chunks");
    }

    /// R15, with a real socket and a peer that reads nothing.
    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_a_timeout() {
        let (mut socket, client) = connected();
        SockRef::from(&client).set_recv_buffer_size(4096).unwrap();
        let mut sent = 0;
        let timeout = Duration::from_millis(200);
        let copied = copy_loop(&mut Pattern::new(64 << 20), &mut socket, timeout, &mut sent).await;
        let Err(SendError::Connection(error)) = copied else { panic!("{copied:?}") };
        assert_eq!(Errno::from_io_error(&error), Some(Errno::TIMEDOUT));
        assert!(sent > 0 && sent < 64 << 20, "{sent}");
    }
}
