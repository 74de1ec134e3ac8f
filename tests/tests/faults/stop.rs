//! A stop with clients in every state at once: what can end ends, what can't is broken off, and all
//! of it is over when the grace is.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{LIMIT, RunningServer, ServeProcess, random_bytes, request, within};
use rustix::process::Signal;
use tempfile::TempDir;

/// What [`RunningServer`] waits for.
const GRACE: Duration = Duration::from_secs(1);
/// What a busy machine may add to it.
const MARGIN: Duration = Duration::from_secs(3);
/// More than the buffers of a connection hold.
const LARGE: u64 = 64 << 20;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join("large")).unwrap().set_len(LARGE).unwrap();
    fs::write(folder.path().join("f"), random_bytes(1, 100)).unwrap();
    folder
}

fn connect(server: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(server).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client
}

/// A client that has begun to receive the large file.
fn receiving(server: SocketAddr) -> TcpStream {
    let mut client = connect(server);
    client.write_all(&request(b"large")).unwrap();
    client.read_exact(&mut [0; 8]).unwrap();
    client
}

/// A client that has sent a part of its request, and the rest of it.
fn asking(server: SocketAddr) -> (TcpStream, Vec<u8>) {
    let mut client = connect(server);
    let mut begun = request(b"f");
    let rest = begun.split_off(4);
    client.write_all(&begun).unwrap();
    (client, rest)
}

/// How many bytes come; a reset ends them as well.
fn count(mut client: TcpStream) -> u64 {
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0;
    while let Ok(len @ 1..) = client.read(&mut buffer) {
        total += u64::try_from(len).unwrap();
    }
    total
}

/// `stop` returns when the server has ended; `begun` is when it no longer takes connections.
fn stops_in_time(server: SocketAddr, stop: impl FnOnce() + Send) {
    let idle = [(); 3].map(|()| connect(server));
    let (mut late, rest) = asking(server);
    let (never, _) = asking(server);
    let body = receiving(server);
    let stalled = receiving(server);
    // Every request before has been read by the time that this one is answered.
    let mut last = connect(server);
    last.write_all(&request(b"f")).unwrap();
    assert_eq!(count(last), 108);
    let start = Instant::now();
    thread::scope(|scope| {
        let stopping = scope.spawn(move || {
            stop();
            start.elapsed()
        });
        for client in idle {
            assert_eq!(count(client), 0);
        }
        assert!(start.elapsed() < GRACE, "who waits for nothing is not kept");
        late.write_all(&rest).unwrap();
        assert_eq!(count(late), 108);
        assert_eq!(count(body), LARGE);
        let took = stopping.join().unwrap();
        assert!(took >= GRACE && took < GRACE + MARGIN, "{took:?}");
        assert_eq!(count(never), 0);
        assert!(count(stalled) < LARGE);
    });
}

#[test]
fn the_library_ends_within_its_grace_whatever_its_clients_do() {
    within(LIMIT, || {
        let folder = folder();
        let server = RunningServer::start(folder.path());
        stops_in_time(server.addr(), || drop(server));
    });
}

#[test]
fn the_program_ends_within_its_grace_whatever_its_clients_do() {
    within(LIMIT, || {
        let folder = folder();
        let server = ServeProcess::start(folder.path(), &["--grace", "1s"]).unwrap();
        let (log, logged) = mpsc::channel();
        stops_in_time(server.addr(), move || {
            server.signal(Signal::TERM);
            log.send(server.ended()).unwrap();
        });
        let (status, log) = logged.recv().unwrap();
        assert_eq!(status.code(), Some(0));
        let ended = |end: &str| log.iter().filter(|it| it.contains(end)).count();
        // The late one, the body and the one before; the idle ones, the one half asked, the stalled
        // one.
        assert_eq!((ended("end=\"sent\""), ended("end=\"stopped\"")), (3, 5), "{log:#?}");
    });
}
