//! Thousands of slow readers and hundreds of slow writers: a fast client must keep most of its
//! rate, the readers must get the right bytes, and the writers must be gone at the deadline.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{ServeProcess, request};

use crate::crowd::Crowd;
use crate::peers::{ServedFolder, connect};
use crate::report::SoakReport;

/// The address of the fast client.
const FAST: Ipv4Addr = Ipv4Addr::new(127, 0, 3, 1);

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let (readers, writers, deadline, windows) =
        if quick { (200, 50, 3, 4) } else { (2_000, 500, 10, 10) };
    let folder = ServedFolder::new()?;
    let options = ["-q", "--request-deadline", &format!("{deadline}s")];
    let server = ServeProcess::start(folder.path(), &options)?;
    let (address, len) = (server.addr(), folder.large.len());

    let before = rate(address, len, windows)?;
    // The crowd is counted after the writers' deadline.
    let time = Duration::from_secs(deadline + 4);
    let mut crowd = Crowd::gather(address, &folder.large, readers, writers)?;
    let (beside, counts) = thread::scope(|scope| {
        let crowd = scope.spawn(move || crowd.go_on(time));
        (rate(address, len, windows), crowd.join())
    });
    let counts = counts.map_err(|_| io::Error::other("the crowd panicked"))?;
    let (beside, after) = (beside?, rate(address, len, windows)?);

    report.exactly("slow readers still there, every byte right", counts.readers, readers);
    report.tell("what each has read", format!("{:.0} bytes a second", counts.rate));
    report.exactly("slow writers still there", counts.writers, 0);
    let deadline = deadline as f64;
    report.at_least("first writer gone after", counts.first_gone.as_secs_f64(), "s", deadline);
    report.at_most("last writer gone after", counts.last_gone.as_secs_f64(), "s", deadline + 2.0);
    let rates = format!("{before:.0}, {beside:.0}, {after:.0} MB/s");
    report.tell("fast client before, beside and after them", rates);
    let kept = beside / f64::midpoint(before, after);
    // The short form has four windows, and the machine may be busy.
    let least = if quick { 0.4 } else { 0.8 };
    report.at_least("what the fast client keeps of its rate", kept, "", least);
    Ok(())
}

/// Returns the rate at which one client after another gets the large file, in MB/s: the median of
/// `windows` windows of a second.
fn rate(server: SocketAddr, len: usize, windows: usize) -> io::Result<f64> {
    let mut rates = Vec::new();
    let mut buffer = vec![0; 256 << 10];
    for _ in 0..windows {
        let (start, mut received) = (Instant::now(), 0_usize);
        while start.elapsed() < Duration::from_secs(1) {
            let mut stream = connect(FAST, server)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            stream.write_all(&request(b"large"))?;
            let before = received;
            loop {
                match stream.read(&mut buffer)? {
                    0 => break,
                    len => received += len,
                }
            }
            if received - before != 8 + len {
                return Err(io::Error::other("the fast client's file is not whole"));
            }
        }
        rates.push(received as f64 / 1e6 / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates.get(rates.len() / 2).copied().unwrap_or_default())
}
