//! A stop with clients in every state at once: transfers that can end do so, the others are broken
//! off, and the server has ended when its grace period is over.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    LIMIT, RunningServer, ServeProcess, ask, connect, random_bytes, request, within,
};
use rustix::process::Signal;
use tempfile::TempDir;

/// The grace period of a [`RunningServer`].
const GRACE: Duration = Duration::from_secs(1);
/// How much later than the grace period a busy machine may be.
const MARGIN: Duration = Duration::from_secs(3);
/// 64 MiB, more than the buffers of a connection hold.
const LARGE: u64 = 64 << 20;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join("large")).unwrap().set_len(LARGE).unwrap();
    fs::write(folder.path().join("f"), random_bytes(1, 100)).unwrap();
    folder
}

/// Requests the large file and reads the header of the response.
fn receiving(server: SocketAddr) -> TcpStream {
    let mut client = ask(server, b"large").unwrap();
    client.read_exact(&mut [0; 8]).unwrap();
    client
}

/// Sends a part of a request, and returns the connection and the rest of the request.
fn asking(server: SocketAddr) -> (TcpStream, Vec<u8>) {
    let mut client = connect(server).unwrap();
    let mut begun = request(b"f");
    let rest = begun.split_off(4);
    client.write_all(&begun).unwrap();
    (client, rest)
}

/// Counts the bytes that arrive before the connection ends; a reset is an end, too.
fn count(mut client: TcpStream) -> u64 {
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0;
    while let Ok(len @ 1..) = client.read(&mut buffer) {
        total += u64::try_from(len).unwrap();
    }
    total
}

/// Stops a server that has clients in every state. `stop` returns when the server has ended.
fn stops_in_time(server: SocketAddr, stop: impl FnOnce() + Send) {
    let idle = [(); 3].map(|()| connect(server).unwrap());
    let (mut late, rest) = asking(server);
    let (never, _) = asking(server);
    let body = receiving(server);
    let stalled = receiving(server);
    // The server has read every request before this one when it answers this one.
    assert_eq!(count(ask(server, b"f").unwrap()), 108);
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
        // The lines of the late request, the transfer and the request before; those of the idle
        // clients, the partial request and the stalled client.
        assert_eq!((ended("end=\"sent\""), ended("end=\"stopped\"")), (3, 5), "{log:#?}");
    });
}
