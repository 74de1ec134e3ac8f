//! Thousands of connections that send nothing: the server must hold all of them at a few hundred
//! bytes each, and answer every request at once.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{Nginx, ServeProcess, Usage, installed, until};

use crate::peers::{ServedFolder, connect, slowest, sources, still_open};
use crate::report::SoakReport;

/// How many addresses the connections come from.
const SOURCES: u8 = 20;

/// Limits that hold all the connections, and a deadline that none of them reaches.
const OPTIONS: [&str; 7] =
    ["-q", "--max-connections", "12000", "--max-per-peer", "1000", "--request-deadline", "120s"];

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let count = if quick { 1_000 } else { 10_000 };
    let folder = ServedFolder::new()?;
    let server = ServeProcess::start(folder.path(), &OPTIONS)?;
    let client = Ipv4Addr::new(127, 0, 3, 1);
    // Memory that the server needs once must not count as memory of the connections.
    slowest(&folder, client, server.addr(), 200)?;
    let peers = IdlePeers::gather(count, server.addr(), || server.usage())?;
    let slowest = slowest(&folder, client, server.addr(), 200)?;
    report.exactly("idle connections held", still_open(&peers.streams), u64::from(count));
    report.at_most("slowest of 200 new requests", slowest, "ms", 100.0);
    report.at_most("memory per connection", peers.each(), "bytes", 400.0);
    report.tell("resident memory", peers.resident());
    drop((peers, server));
    beside(&folder, count, report)
}

/// Measures the same number of idle connections at nginx.
fn beside(folder: &ServedFolder, count: u32, report: &mut SoakReport) -> io::Result<()> {
    if installed("nginx").is_err() {
        report.tell("nginx", "left out: not installed");
        return Ok(());
    }
    let server = Nginx::start(Ipv4Addr::LOCALHOST, folder.path(), 2, 12_000, "")?;
    // nginx is ready when its processes have used the same resources for a while.
    let mut last = (Usage::default(), Instant::now());
    let ready = until(Duration::from_secs(10), || {
        let usage = server.usage().ok()?;
        if usage != last.0 {
            last = (usage, Instant::now());
        }
        (last.1.elapsed() > Duration::from_millis(300)).then_some(())
    });
    ready.ok_or_else(|| io::Error::other("nginx does not start"))?;
    let peers = IdlePeers::gather(count, server.addr(), || server.usage())?;
    report.tell("nginx: idle connections held", still_open(&peers.streams));
    report.tell("nginx: memory per connection", format!("{:.0} bytes", peers.each()));
    report.tell("nginx: resident memory", peers.resident());
    Ok(())
}

/// Idle connections, and the server's resources before and with them.
#[derive(Debug)]
struct IdlePeers {
    streams: Vec<TcpStream>,
    before: Usage,
    after: Usage,
}

impl IdlePeers {
    fn gather(
        count: u32,
        server: SocketAddr,
        usage: impl Fn() -> io::Result<Usage>,
    ) -> io::Result<Self> {
        let before = usage()?;
        let sources = sources(2, SOURCES).take(count as usize);
        let streams =
            sources.map(|source| connect(source, server)).collect::<Result<Vec<_>, _>>()?;
        // The kernel completes connections before the server accepts them; only accepted ones have
        // a descriptor. One in a hundred may be missing: a server that has just been started may
        // have closed other descriptors meanwhile.
        let taken = streams.len() - streams.len() / 100;
        let accepted = until(Duration::from_secs(20), || {
            let now = usage().ok()?;
            (now.descriptors >= before.descriptors + taken).then_some(now)
        });
        let after = accepted.ok_or_else(|| io::Error::other("not all are accepted in 20 s"))?;
        Ok(Self { streams, before, after })
    }

    /// Returns the memory per connection in bytes.
    fn each(&self) -> f64 {
        let grown = self.after.resident.saturating_sub(self.before.resident);
        grown as f64 / self.streams.len().max(1) as f64
    }

    fn resident(&self) -> String {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (before, after) = (megabytes(self.before.resident), megabytes(self.after.resident));
        format!("{before:.1} MB before, {after:.1} MB with them")
    }
}
