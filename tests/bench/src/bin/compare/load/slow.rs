//! A crowd of readers that each take a kibibyte every fifth of a second, as devices on a slow link do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fetchlet_test_kit::PATIENCE;
use rustix::io::{Errno, read};
use socket2::{Domain, Socket, Type};

use super::Protocol;
use crate::Result;
use crate::files::TestFile;

const EVERY: Duration = Duration::from_millis(200);
const AT_ONCE: usize = 1024;

/// What a small device has room for.
const RECEIVE_BUFFER: usize = 4096;

/// They read in a thread of their own until stopped; dropped, they are stopped too.
#[derive(Debug)]
pub(crate) struct SlowReaders {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl SlowReaders {
    /// All of them have asked when this returns.
    pub(crate) fn start(
        server: SocketAddr,
        protocol: Protocol,
        file: &TestFile,
        readers: usize,
    ) -> Result<Self> {
        let request = protocol.request(&file.name)?;
        let sockets: Result<Vec<Socket>> =
            (0..readers).map(|number| ask(server, number, &request)).collect();
        let mut readers: Vec<Reader> =
            sockets?.into_iter().map(|socket| Reader { socket, head: Some(Vec::new()) }).collect();
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

    /// An error if one of them was dropped or not answered.
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
        // An error before this one is on its way already.
        self.thread.take().map(JoinHandle::join);
    }
}

#[derive(Debug)]
struct Reader {
    socket: Socket,
    /// The beginning, until it holds a whole header.
    head: Option<Vec<u8>>,
}

impl Reader {
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
    // Before connecting: the window is announced then.
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

/// For what is to be slow, or tells nobody when it is done.
#[expect(clippy::disallowed_methods, reason = "no event says that a slow reader has time again")]
pub(crate) fn pause(time: Duration) {
    thread::sleep(time);
}
