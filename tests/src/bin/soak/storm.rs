//! Connections that are closed as soon as they are open: nothing of them may stay in the server,
//! and the log must stay short.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{ServeProcess, until};
use socket2::SockRef;

use crate::peers::{ServedFolder, connect, slowest, sources};
use crate::report::SoakReport;

/// The address that has as many connections as one address may have: the server refuses each
/// further one.
const REFUSED: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 1);

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let count = if quick { 4_000 } else { 100_000 };
    let folder = ServedFolder::new()?;
    let options = ["--max-per-peer", "64", "--request-deadline", "300s"];
    let server = ServeProcess::start(folder.path(), &options)?;
    let held = (0..64).map(|_| connect(REFUSED, server.addr())).collect::<Result<Vec<_>, _>>()?;
    let own = Ipv4Addr::new(127, 0, 4, 1);
    storm(server.addr(), count / 20)?;
    slowest(&folder, own, server.addr(), 100)?;
    let before = settled(&server, 0)?;

    let (start, lines) = (Instant::now(), server.lines());
    storm(server.addr(), count)?;
    let took = start.elapsed().as_secs_f64();
    let after = settled(&server, before.descriptors)?;
    let logged = server.lines() - lines;

    report.tell("connects and closes", format!("{count} in {took:.1} s"));
    let more = after.descriptors as f64 - before.descriptors as f64;
    report.at_most("descriptors more than before", more, "", 0.0);
    let grown = (after.resident as f64 - before.resident as f64) / 1024.0;
    report.at_most("memory more than before", grown, "KiB", 2048.0);
    // One line a second tells the number of refused connections, and a few more lines come at the
    // edges.
    report.at_most("lines logged", logged as f64, "", took.ceil() + 5.0);
    let slowest = slowest(&folder, own, server.addr(), 100)?;
    report.at_most("slowest of 100 requests afterwards", slowest, "ms", 100.0);
    drop(held);
    Ok(())
}

/// Opens and closes connections, in turn from an address that is refused and from many that are
/// not, with a FIN and with a reset.
fn storm(server: SocketAddr, count: u32) -> io::Result<()> {
    for (number, source) in (0..count).zip(sources(3, 250)) {
        let source = if number % 2 == 0 { REFUSED } else { source };
        let stream = connect(source, server)?;
        if number % 4 < 2 {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        }
    }
    Ok(())
}

/// Waits until the server has at most `wanted` descriptors, or until their number has stopped
/// falling. Returns what the server uses then.
fn settled(server: &ServeProcess, wanted: usize) -> io::Result<fetchlet_test_kit::Usage> {
    let (mut last, mut since) = (usize::MAX, Instant::now());
    let settled = until(Duration::from_secs(20), || {
        let usage = server.usage().ok()?;
        if usage.descriptors < last {
            (last, since) = (usage.descriptors, Instant::now());
        }
        let done = usage.descriptors <= wanted || since.elapsed() > Duration::from_secs(3);
        done.then_some(usage)
    });
    settled.ok_or_else(|| io::Error::other("it does not settle"))
}
