//! Thousands of slow readers and writers in one thread, each with a turn at a fixed interval.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::request;

use crate::peers::{connect, connect_with, has_ended, sources};

/// The interval between two turns of the thread.
const TICK: Duration = Duration::from_millis(10);
/// A reader has its turn every 25 ticks: four times a second.
const READERS_TURN: usize = 25;
/// A writer has its turn every 100 ticks: once a second.
const WRITERS_TURN: usize = 100;

/// Bytes that a reader takes in its turn: 4 KiB a second.
const BITE: usize = 1024;

/// The receive buffer of a reader in bytes. It holds about what a reader takes in a second; the
/// rest waits at the server.
const BUFFER: usize = 4096;

/// Readers of a file with this content, and writers of a request that never becomes whole.
#[derive(Debug)]
pub(crate) struct Crowd<'a> {
    content: &'a [u8],
    readers: Vec<CrowdReader>,
    writers: Vec<CrowdWriter>,
}

#[derive(Debug)]
struct CrowdReader {
    stream: TcpStream,
    received: usize,
    /// Whether the reader got a wrong byte or an end.
    failed: bool,
}

#[derive(Debug)]
struct CrowdWriter {
    stream: TcpStream,
    since: Instant,
    gone: Option<Duration>,
}

/// The state of the crowd at the end of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CrowdCounts {
    /// Readers that are still served.
    pub(crate) readers: u64,
    /// Bytes per second that each reader took.
    pub(crate) rate: f64,
    /// Writers that are still connected.
    pub(crate) writers: u64,
    pub(crate) first_gone: Duration,
    pub(crate) last_gone: Duration,
}

impl<'a> Crowd<'a> {
    pub(crate) fn gather(
        server: SocketAddr,
        content: &'a [u8],
        readers: u64,
        writers: u64,
    ) -> io::Result<Self> {
        let readers = (0..readers).zip(sources(2, 20)).map(|(_, source)| {
            let mut stream = connect_with(source, server, Some(BUFFER))?;
            stream.write_all(&request(b"large"))?;
            stream.set_nonblocking(true)?;
            Ok(CrowdReader { stream, received: 0, failed: false })
        });
        let readers = readers.collect::<io::Result<Vec<_>>>()?;
        let writers = (0..writers).zip(sources(4, 10)).map(|(_, source)| {
            let stream = connect(source, server)?;
            stream.set_nonblocking(true)?;
            Ok(CrowdWriter { stream, since: Instant::now(), gone: None })
        });
        Ok(Self { content, readers, writers: writers.collect::<io::Result<_>>()? })
    }

    /// Reads and writes slowly for this time.
    pub(crate) fn go_on(&mut self, time: Duration) -> CrowdCounts {
        let start = Instant::now();
        for tick in 0.. {
            let next = start + TICK.saturating_mul(u32::try_from(tick).unwrap_or(u32::MAX));
            if next > start + time {
                break;
            }
            pause(next.saturating_duration_since(Instant::now()));
            let turn = self.readers.iter_mut().skip(tick % READERS_TURN).step_by(READERS_TURN);
            turn.for_each(|reader| reader.read(self.content));
            let turn = self.writers.iter_mut().skip(tick % WRITERS_TURN).step_by(WRITERS_TURN);
            turn.for_each(|writer| writer.write(tick / WRITERS_TURN));
        }
        self.counts(start.elapsed())
    }

    fn counts(&self, time: Duration) -> CrowdCounts {
        let served = self.readers.iter().filter(|reader| !reader.failed);
        let received: usize = self.readers.iter().map(|reader| reader.received).sum();
        let gone = || self.writers.iter().filter_map(|writer| writer.gone);
        CrowdCounts {
            readers: served.count() as u64,
            rate: received as f64 / self.readers.len().max(1) as f64 / time.as_secs_f64(),
            writers: self.writers.iter().filter(|writer| writer.gone.is_none()).count() as u64,
            first_gone: gone().min().unwrap_or_default(),
            last_gone: gone().max().unwrap_or_default(),
        }
    }
}

impl CrowdReader {
    fn read(&mut self, content: &[u8]) {
        let mut bite = [0; BITE];
        match self.stream.read(&mut bite) {
            Ok(0) => self.failed = true,
            Ok(len) => {
                let header =
                    [&b"\x49\x7E\x02\x01"[..], &(content.len() as u32).to_be_bytes()].concat();
                let bytes = header.iter().chain(content).skip(self.received).take(len);
                self.failed |= !bytes.eq(&bite[..len]);
                self.received += len;
            }
            Err(error) => self.failed |= error.kind() != ErrorKind::WouldBlock,
        }
    }
}

impl CrowdWriter {
    /// Writes byte number `index` of a request whose name has the largest legal length.
    fn write(&mut self, index: usize) {
        let byte = request(&[b'x'; 1024]).get(index).copied().unwrap_or(b'x');
        let ended = has_ended(&self.stream) || self.stream.write_all(&[byte]).is_err();
        if ended && self.gone.is_none() {
            self.gone = Some(self.since.elapsed());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "these peers are to be slow")]
fn pause(time: Duration) {
    thread::sleep(time);
}
