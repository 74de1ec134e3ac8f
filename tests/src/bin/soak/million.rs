//! A million exchanges with every outcome: each answer must be right, and the server's memory must
//! not grow.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{MALFORMED, NOT_FOUND, Rng, ServeProcess, Usage, request, response, until};
use socket2::SockRef;

use crate::peers::{ServedFolder, connect};
use crate::report::SoakReport;

/// The number of peers at a time, each at an address of its own.
const PEERS: u8 = 16;

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let count = if quick { 20_000 } else { 1_000_000 };
    let folder = ServedFolder::new()?;
    let answers = [response(&folder.small), response(&folder.medium)];
    let server = ServeProcess::start(folder.path(), &["-q"])?;
    let tally = Tally::default();
    let start = Instant::now();
    thread::scope(|scope| {
        for peer in 1..=PEERS {
            let (tally, answers, server) = (&tally, &answers, &server);
            scope.spawn(move || exchanges(peer, count, tally, answers, server));
        }
    });
    let took = start.elapsed().as_secs_f64();
    // The server closes its last connections a moment after their answers were read.
    let last = until(Duration::from_secs(5), || {
        let usage = server.usage().ok()?;
        (usage.descriptors < usize::from(PEERS) * 2).then_some(usage)
    });
    let last = last.ok_or_else(|| io::Error::other("connections are left open"))?;
    let first = tally.first.into_inner().unwrap_or_else(PoisonError::into_inner);
    let first = first.ok_or_else(|| io::Error::other("it was never looked at"))?;

    let done = tally.outcomes.map(AtomicU64::into_inner);
    report.exactly("exchanges", done.iter().sum(), count);
    report.tell("found, not found, malformed, early end, broken off", format!("{done:?}"));
    report.exactly("wrong answers", tally.wrong.into_inner(), 0);
    report.tell("rate", format!("{:.0} a second", count as f64 / took));
    let kib = |usage: Usage| usage.resident as f64 / 1024.0;
    report.tell("memory after a twentieth", format!("{:.0} KiB", kib(first)));
    report.tell("memory at the end", format!("{:.0} KiB", kib(last)));
    report.at_most("memory more", kib(last) - kib(first), "KiB", 1024.0);
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    begun: AtomicU64,
    outcomes: [AtomicU64; 5],
    wrong: AtomicU64,
    /// The server's usage when a twentieth of the exchanges was done.
    first: Mutex<Option<Usage>>,
}

/// Makes exchanges as one peer until all exchanges are done.
fn exchanges(peer: u8, count: u64, tally: &Tally, answers: &[Vec<u8>; 2], server: &ServeProcess) {
    let mut rng = Rng::with_seed(peer.into());
    let source = Ipv4Addr::new(127, 0, 5, peer);
    loop {
        let number = tally.begun.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        if number == count / 20 {
            let usage = server.usage().ok();
            *tally.first.lock().unwrap_or_else(PoisonError::into_inner) = usage;
        }
        let exchange = ExpectedExchange::any(&mut rng, answers);
        tally.outcomes[exchange.kind].fetch_add(1, Ordering::Relaxed);
        match exchange.is_answered_right(source, server.addr()) {
            Ok(true) => {}
            wrong => {
                let seen = tally.wrong.fetch_add(1, Ordering::Relaxed);
                if seen < 10 {
                    eprintln!("wrong: {wrong:?} for {:02x?}", exchange.request);
                }
            }
        }
    }
}

/// A request and the answer that must follow.
#[derive(Debug)]
struct ExpectedExchange<'a> {
    kind: usize,
    request: Vec<u8>,
    /// The answer, or `None` for a peer that resets the connection without waiting.
    answer: Option<&'a [u8]>,
    /// Whether the peer ends its sending side after the request.
    ends: bool,
}

impl<'a> ExpectedExchange<'a> {
    fn any(rng: &mut Rng, answers: &'a [Vec<u8>; 2]) -> Self {
        let whole =
            |kind, request, answer| Self { kind, request, answer: Some(answer), ends: false };
        match rng.usize(..100) {
            0..2 => whole(0, request(b"medium"), &answers[1]),
            2..40 => whole(0, request(b"small"), &answers[0]),
            40..65 => whole(1, missing(rng), NOT_FOUND),
            65..85 => whole(2, malformed(rng), MALFORMED),
            // R6: a part of a request gets no response.
            85..95 => Self { ends: true, ..whole(3, part(rng), b"") },
            _ => Self { answer: None, ..whole(4, part(rng), b"") },
        }
    }

    fn is_answered_right(&self, source: Ipv4Addr, server: SocketAddr) -> io::Result<bool> {
        let mut stream = connect(source, server)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(&self.request)?;
        let Some(expected) = self.answer else {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            return Ok(true);
        };
        if self.ends {
            stream.shutdown(Shutdown::Write)?;
        }
        let mut answer = Vec::with_capacity(expected.len() + 1);
        stream.read_to_end(&mut answer)?;
        Ok(answer == expected)
    }
}

fn missing(rng: &mut Rng) -> Vec<u8> {
    let name = match rng.usize(..4) {
        0 => "../small".into(),
        1 => "/small".into(),
        2 => "small/".into(),
        _ => format!("missing-{}", rng.usize(..1_000_000)),
    };
    request(name.as_bytes())
}

/// Returns a request that is malformed by one of the clauses of R5.
fn malformed(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = request(b"small");
    match rng.usize(..5) {
        0 => bytes[0] ^= 1,
        1 => bytes[2] = 2,
        2 => bytes = request(b""),
        3 => bytes[3..5].copy_from_slice(&1025_u16.to_be_bytes()),
        _ => bytes = request(b"sm\xFFll"),
    }
    bytes
}

fn part(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = request(b"small");
    bytes.truncate(rng.usize(..10));
    bytes
}
