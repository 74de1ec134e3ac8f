//! A file system that stops answering, asked by a thousand clients: nobody else waits for it.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{FuseCall, FuseFile, FuseMount, ServeProcess, read_all, request, skip};

use crate::peers::{ServedFolder, connect, slowest, sources};
use crate::report::SoakReport;

/// How many ask for the file system that hangs.
const CLIENTS: usize = 1_000;

/// How many exchanges are measured before it hangs: as many as there must be while it does.
const UNHUNG: u32 = 100;

/// Longer than others are asked meanwhile, so that all of the thousand wait.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    // A thread of its own, since it gets mounts of its own.
    thread::scope(|scope| {
        let thread = scope.spawn(|| file_system(quick, report));
        thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
    })
}

fn file_system(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let timeout = Duration::from_secs(if quick { 3 } else { 15 });
    let folder = ServedFolder::new()?;
    let at = folder.path().join("fuse");
    fs::create_dir(&at)?;
    let files = vec![FuseFile::new("f", b"hello".into())];
    let fuse = match FuseMount::new(&at, files, PATIENCE) {
        Ok(fuse) => fuse,
        Err(error) => {
            skip("a file system that hangs", &error.to_string());
            return Ok(());
        }
    };
    let options = ["-q", "--timeout", &format!("{}s", timeout.as_secs())];
    let server = ServeProcess::start(folder.path(), &options)?;
    // Declared last, dropped first: the server can't end while it hangs.
    let fuse = fuse;
    // The kernel knows the name from now on.
    ask(server.addr(), "fuse/f", 1)?.iter_mut().try_for_each(|it| read_all(it).map(|_| ()))?;
    let mut answered = ask(server.addr(), "fuse/f", CLIENTS)?;
    let unhung = slowest(&folder, Ipv4Addr::new(127, 0, 3, 1), server.addr(), UNHUNG)?;
    answered.iter_mut().try_for_each(|it| read_all(it).map(|_| ()))?;
    fuse.hang(FuseCall::Open);
    let start = Instant::now();
    let mut waiting = ask(server.addr(), "fuse/f", CLIENTS)?;
    let (mut count, mut most): (u64, f64) = (0, 0.0);
    for other in sources(3, 4) {
        if start.elapsed() >= timeout.mul_f64(0.8) {
            break;
        }
        most = most.max(slowest(&folder, other, server.addr(), 5)?);
        count += 5;
    }
    let mut told: u64 = 0;
    for client in &mut waiting {
        told += u64::from(read_all(client)?.is_empty());
    }
    let last = start.elapsed().as_secs_f64();
    report.exactly("a hung file system: clients told \"not now\"", told, CLIENTS as u64);
    report.at_most(
        "a hung file system: the last of them after",
        last,
        "s",
        timeout.as_secs_f64() + 1.0,
    );
    report.at_most("a hung file system: threads", fuse.held() as f64, "", 8.0);
    report.at_least("a hung file system: exchanges of others, all right", count as f64, "", 100.0);
    report.longest_wait("a hung file system: slowest of these", most, unhung);
    Ok(())
}

/// Clients that have asked for a file.
fn ask(server: SocketAddr, name: &str, count: usize) -> io::Result<Vec<TcpStream>> {
    let clients = sources(5, 10).take(count).map(|source| {
        let mut client = connect(source, server)?;
        client.set_read_timeout(Some(PATIENCE))?;
        client.write_all(&request(name.as_bytes()))?;
        Ok(client)
    });
    clients.collect()
}
