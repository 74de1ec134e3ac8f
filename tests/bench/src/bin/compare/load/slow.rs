//! Simulates devices on a slow link: each reader takes 1 KiB every 200 ms.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fetchlet_test_kit::PATIENCE;
use rustix::io::{Errno, read};
use socket2::{Domain, Socket, Type};

use super::protocol::Protocol;
use crate::files::TestFile;
use crate::result::Result;

/// The pause between two reads of a reader: with `AT_ONCE` that makes 5 KiB/s, the rate of a slow
/// device's link.
const EVERY: Duration = Duration::from_millis(200);
/// The most bytes that a reader takes at once.
const AT_ONCE: usize = 1024;

/// The receive buffer of a small device, in bytes.
const RECEIVE_BUFFER: usize = 4096;

/// Slow readers, which read in a thread of their own until they are stopped or dropped.
#[derive(Debug)]
pub(crate) struct SlowReaders {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl SlowReaders {
    /// Starts `readers` readers. Every request is sent when this function returns.
    pub(crate) fn start(
        server: SocketAddr,
        protocol: Protocol,
        file: &TestFile,
        readers: usize,
    ) -> Result<Self> {
        let request = protocol.request(&file.name)?;
        let sockets: Result<Vec<Socket>> =
            (0..readers).map(|number| ask(server, number, &request)).collect();
        let mut readers: Vec<SlowReader> = sockets?
            .into_iter()
            .map(|socket| SlowReader { socket, head: Some(Vec::new()) })
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let started = Instant::now();
                for reader in &mut readers {
                    reader.take(protocol)?;
                }
                pause(EVERY.saturating_sub(started.elapsed()));
            }
            Ok(())
        });
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Stops the readers. Fails if the server dropped a reader or did not answer one.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err("the slow readers panicked".into()),
        }
    }
}

impl Drop for SlowReaders {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The caller already has the error that led here.
        self.thread.take().map(JoinHandle::join);
    }
}

#[derive(Debug)]
struct SlowReader {
    socket: Socket,
    /// The beginning of the answer, until the header is whole.
    head: Option<Vec<u8>>,
}

impl SlowReader {
    fn take(&mut self, protocol: Protocol) -> Result<()> {
        let mut buffer = [0; AT_ONCE];
        let len = match read(&self.socket, &mut buffer) {
            Ok(0) => return Err("the server dropped a slow reader".into()),
            Ok(len) => len,
            Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(format!("a slow reader: {error}").into()),
        };
        if let Some(head) = &mut self.head {
            head.extend(buffer.get(..len).unwrap_or_default());
            if protocol.header(head)?.is_some() {
                self.head = None;
            }
        }
        Ok(())
    }
}

fn ask(server: SocketAddr, number: usize, request: &[u8]) -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // The buffer is set before connecting, because the SYN announces the window.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let last = u8::try_from(1 + number / 100)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 3, last), 0)).into())?;
    socket.connect_timeout(&server.into(), PATIENCE)?;
    if socket.send(request)? != request.len() {
        return Err("a request was not sent whole".into());
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Sleeps, where slowness is the purpose or no event tells the end.
#[expect(clippy::disallowed_methods, reason = "no event says that a slow reader has time again")]
pub(crate) fn pause(time: Duration) {
    thread::sleep(time);
}
