//! What hangs beside clients: a log that nobody reads, and a file system. Nobody else waits, and a
//! stop ends in time.

use std::io::{self, Read, Write, pipe};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{ChildProcess, NOT_FOUND, PATIENCE, ServeProcess, request, response};
use rustix::process::Signal;

use crate::hung_file_system;
use crate::peers::{ServedFolder, connect, fetch, sources};
use crate::report::SoakReport;

/// How many clients are connected at once.
const CLIENTS: usize = 1_000;

/// More log lines of over 1,000 bytes than a pipe and the server's queue hold.
const UNREAD_LINES: usize = 2_000;

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    unread_log(report)?;
    hung_file_system::run(quick, report)
}

fn unread_log(report: &mut SoakReport) -> io::Result<()> {
    let folder = ServedFolder::new()?;
    let unhung = {
        let server = ServeProcess::start(folder.path(), &["--request-deadline", "300s"])?;
        slowest_of_many(&folder, server.addr())?
    };
    let (_unread, log) = pipe()?;
    let mut serve = ServeProcess::command(folder.path());
    serve.args(["0", "--request-deadline", "300s"]).stderr(log);
    let (mut server, line) = ChildProcess::announced(&mut serve)?;
    let address = line.trim_end().strip_prefix("listening on ").and_then(|it| it.parse().ok());
    let address = address.ok_or_else(|| io::Error::other("no address in its first line"))?;

    let long = "x".repeat(1000);
    for source in sources(5, 10).take(UNREAD_LINES) {
        if fetch(source, address, &long)?.0 != NOT_FOUND {
            return Err(io::Error::other("a wrong answer"));
        }
    }
    let slowest = slowest_of_many(&folder, address)?;
    report.longest_wait("an unread log: slowest of 1,000 clients", slowest, unhung);

    let start = Instant::now();
    server.signal(Signal::TERM)?;
    let ended = server.wait(PATIENCE)?.map_or(f64::INFINITY, |_| start.elapsed().as_secs_f64());
    report.at_most("an unread log: the stop", ended, "s", 1.0);
    Ok(())
}

/// Has all clients connected, then each ask for the file `small`: the longest that one waited, in
/// milliseconds; an error if an answer is wrong.
pub(crate) fn slowest_of_many(folder: &ServedFolder, server: SocketAddr) -> io::Result<f64> {
    let expected = response(&folder.small);
    let clients = sources(6, 10).take(CLIENTS).map(|source| connect(source, server));
    let mut slowest = Duration::ZERO;
    for client in clients.collect::<io::Result<Vec<TcpStream>>>()? {
        let start = Instant::now();
        if answer(client)? != expected {
            return Err(io::Error::other("a wrong answer"));
        }
        slowest = slowest.max(start.elapsed());
    }
    Ok(slowest.as_secs_f64() * 1000.0)
}

fn answer(mut client: TcpStream) -> io::Result<Vec<u8>> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.write_all(&request(b"small"))?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer)?;
    Ok(answer)
}
