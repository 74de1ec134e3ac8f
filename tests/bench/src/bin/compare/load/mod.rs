//! Generates the load: one thread acts as many clients and checks each answer. The same code asks
//! every competitor, in whichever protocol, so that the figures differ by the server only.

pub(crate) mod connection;
pub(crate) mod idle;
pub(crate) mod protocol;
pub(crate) mod slow;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::files::TestFile;
use crate::result::Result;
use crate::stats;
use connection::{Answer, Connection, Wanted};
pub(crate) use protocol::Protocol;

/// A server that sends nothing to any client for this time has failed.
const SILENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// The length of the receive buffer, in bytes; its content is discarded.
const BUFFER: usize = 256 << 10;

/// When to stop asking. Answers that are under way are waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until<'a> {
    Requests(u64),
    Elapsed(Duration),
    Raised(&'a AtomicBool),
}

/// The figures of one turn of the load.
#[derive(Debug, Default)]
pub(crate) struct LoadFigures {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
    /// The times from before the connection to the end of the answer, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// The times from before the connection to the first byte of the answer, sorted.
    pub(crate) first_bytes: Vec<Duration>,
}

impl LoadFigures {
    /// Returns the number of requests per second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Returns the megabytes (10^6 bytes) of files per second.
    pub(crate) fn megabytes(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn latency(&self, share: f64) -> Duration {
        stats::percentile(&self.latencies, share).unwrap_or_default()
    }

    pub(crate) fn first_byte(&self) -> Duration {
        stats::percentile(&self.first_bytes, 0.5).unwrap_or_default()
    }
}

/// Asks one server by `clients` clients at a time. Client number n asks for file number n, modulo
/// the number of files.
pub(crate) fn run(
    addr: SocketAddr,
    protocol: Protocol,
    files: &[TestFile],
    clients: usize,
    until: Until<'_>,
) -> Result<LoadFigures> {
    let wanted: Result<Vec<Wanted>> = files.iter().map(|it| Wanted::new(protocol, it)).collect();
    let mut generator = Generator {
        addr,
        wanted: wanted?,
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        buffer: vec![0; BUFFER],
        outcome: LoadFigures::default(),
        asked: 0,
        until,
        started: Instant::now(),
    };
    generator.run(clients)?;
    let mut outcome = generator.outcome;
    outcome.latencies.sort_unstable();
    outcome.first_bytes.sort_unstable();
    if outcome.requests == 0 {
        return Err("no request was made".into());
    }
    Ok(outcome)
}

struct Generator<'a> {
    addr: SocketAddr,
    wanted: Vec<Wanted>,
    epoll: OwnedFd,
    buffer: Vec<u8>,
    outcome: LoadFigures,
    asked: u64,
    until: Until<'a>,
    started: Instant,
}

impl Generator<'_> {
    fn run(&mut self, clients: usize) -> Result<()> {
        let mut slots = Vec::new();
        let mut busy = 0;
        for slot in 0..clients {
            let now = Instant::now();
            slots.push(if self.wants_more(now) { Some(self.ask(slot, now)?) } else { None });
            busy += usize::from(slots.last().is_some_and(Option::is_some));
        }
        let mut events = Vec::with_capacity(1024);
        while busy > 0 {
            events.clear();
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&SILENCE))?;
            if events.is_empty() {
                return Err(format!("{}: nothing came for 30 s", self.addr).into());
            }
            for event in &events {
                let number = usize::try_from(event.data.u64())?;
                let slot = slots.get_mut(number).ok_or("an event of no connection")?;
                let connection = slot.as_mut().ok_or("an event of a closed connection")?;
                if self.proceed(number, connection)? {
                    continue;
                }
                *slot = None;
                busy -= 1;
            }
        }
        self.outcome.elapsed = self.started.elapsed();
        Ok(())
    }

    fn wants_more(&self, now: Instant) -> bool {
        // At least one request is made, so that there is a figure.
        self.asked == 0
            || match self.until {
                Until::Requests(number) => self.asked < number,
                Until::Elapsed(limit) => now - self.started < limit,
                Until::Raised(flag) => !flag.load(Ordering::Relaxed),
            }
    }

    fn ask(&mut self, slot: usize, now: Instant) -> Result<Connection> {
        self.asked += 1;
        Connection::open(self.addr, now, &self.epoll, slot, self.wanted(slot)?)
    }

    fn wanted(&self, slot: usize) -> Result<&Wanted> {
        Ok(self.wanted.get(slot % self.wanted.len()).ok_or("no file to ask for")?)
    }

    /// Lets a connection proceed. Returns whether its client goes on.
    fn proceed(&mut self, slot: usize, connection: &mut Connection) -> Result<bool> {
        let wanted = self.wanted.get(slot % self.wanted.len()).ok_or("no file to ask for")?;
        match connection.proceed(&self.epoll, wanted, &mut self.buffer)? {
            Answer::Partial => return Ok(true),
            Answer::Whole => {}
        }
        let now = Instant::now();
        self.outcome.requests += 1;
        self.outcome.bytes += wanted.len();
        self.outcome.latencies.push(now - connection.started());
        self.outcome.first_bytes.push(connection.first_byte());
        if !self.wants_more(now) {
            return Ok(false);
        }
        if wanted.keeps() {
            self.asked += 1;
            connection.again(now, &self.epoll, wanted)?;
        } else {
            *connection = self.ask(slot, now)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;

    use fetchlet_test_kit::{Close, LIMIT, RunningServer, ScriptedPeer, within};

    use super::*;
    use crate::files::TestFiles;

    fn ask(peer: &ScriptedPeer, file: &TestFile) -> String {
        let once = Until::Requests(1);
        let outcome = run(peer.addr(), Protocol::Ours, std::slice::from_ref(file), 1, once);
        outcome.unwrap_err().to_string()
    }

    #[test]
    fn an_answer_that_is_not_the_whole_file_is_an_error() {
        within(LIMIT, || {
            let files = TestFiles::new(&env::temp_dir()).unwrap();
            let file = files.noise("f", 100).unwrap();
            let content = fs::read(&file.path).unwrap();
            let head = b"\x49\x7E\x02\x01\0\0\0\x64".to_vec();
            let mut other = content.clone();
            other[99] ^= 1;
            for (pieces, said) in [
                (vec![head.clone(), content[..99].to_vec()], "f: ended after 99 of 100 bytes"),
                (vec![head.clone(), content.clone(), vec![0]], "f: more than 100 bytes"),
                (vec![head.clone(), other], "f: other content"),
                (vec![b"\x49\x7E\x02\x01\0\0\0\x63".to_vec()], "f: 99 bytes announced, not 100"),
                (vec![b"\x49\x7E\x02\0\0\0\0\0".to_vec()], "f: not answered with a file"),
                (vec![], "f: ended before the header"),
            ] {
                let peer = ScriptedPeer::start(pieces, Close::Fin);
                assert_eq!(ask(&peer, &file), said);
            }
        });
    }

    #[test]
    fn each_client_has_its_file_and_every_answer_counts() {
        within(LIMIT, || {
            let files = TestFiles::new(&env::temp_dir()).unwrap();
            let served = [files.noise("a", 1000).unwrap(), files.noise("b", 300_000).unwrap()];
            let server = RunningServer::start(files.folder());
            let until = Until::Requests(20);
            let outcome = run(server.addr(), Protocol::Ours, &served, 4, until).unwrap();
            assert_eq!(outcome.requests, 20);
            assert_eq!(outcome.latencies.len(), 20);
            assert!(outcome.latency(0.5) >= outcome.first_byte());
            assert!(outcome.bytes >= 20 * 1000);
        });
    }
}
