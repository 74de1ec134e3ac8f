//! One address that opens connections without end: the server must serve all others as if that
//! address were absent.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::ServeProcess;

use crate::peers::{ServedFolder, connect, slowest, sources};
use crate::report::SoakReport;

/// How many connections the address holds before it closes its oldest one: more than its limit, and
/// more than the server has slots.
const HELD: usize = 5_000;

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let time = Duration::from_secs(if quick { 3 } else { 15 });
    let folder = ServedFolder::new()?;
    let server = ServeProcess::start(folder.path(), &["-q"])?;
    let others = || sources(3, 4);
    let alone = asked(&folder, server.addr(), others(), time / 3)?;
    let (stop, opened) = (AtomicBool::new(false), AtomicU64::new(0));
    let beside = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| open(server.addr(), &stop, &opened));
        }
        let beside = asked(&folder, server.addr(), others(), time);
        stop.store(true, Ordering::Relaxed);
        beside
    })?;
    report.tell("connections opened by one address", opened.into_inner());
    report.at_least("exchanges of others meanwhile, all right", beside.count as f64, "", 100.0);
    report.tell("slowest without it", format!("{:.2} ms", alone.slowest));
    report.at_most("slowest meanwhile", beside.slowest, "ms", 1000.0);
    Ok(())
}

#[derive(Debug)]
struct Asked {
    count: u64,
    slowest: f64,
}

/// Makes exchanges from the other addresses, one after another. A wrong answer is an error.
fn asked(
    folder: &ServedFolder,
    server: SocketAddr,
    others: impl Iterator<Item = Ipv4Addr>,
    time: Duration,
) -> io::Result<Asked> {
    let (start, mut asked) = (Instant::now(), Asked { count: 0, slowest: 0.0 });
    for other in others {
        if start.elapsed() >= time {
            break;
        }
        asked.slowest = asked.slowest.max(slowest(folder, other, server, 5)?);
        asked.count += 5;
    }
    Ok(asked)
}

/// Opens connections from one address until `stop` is set.
fn open(server: SocketAddr, stop: &AtomicBool, opened: &AtomicU64) {
    let mut held = VecDeque::with_capacity(HELD);
    while !stop.load(Ordering::Relaxed) {
        // A refused connection is load, too.
        let Ok(stream) = connect(Ipv4Addr::new(127, 0, 2, 1), server) else { continue };
        opened.fetch_add(1, Ordering::Relaxed);
        if held.len() == HELD {
            held.pop_front();
        }
        held.push_back(stream);
    }
}
