//! A stop has an end, whatever hangs: nobody can connect after the first signal, and the program
//! exits within the grace and a second.
//!
//! A thread that strace holds up in a system call is like one that a file system holds up: it ends
//! with nothing else, and keeps the process listed and its descriptors open.

use std::fs::{File, read_to_string};
use std::io::{self, Read, Write};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    LIMIT, PATIENCE, ServeProcess, bare, connect, entries, installed, request, skip, until, within,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::harness::*;

/// What a stop may take beyond the grace.
const SECOND: Duration = Duration::from_secs(1);

/// A server each of whose threads hangs for a minute in sendfile(2), and the peers that have asked
/// for a file by it.
struct Hung {
    server: ServeProcess,
    peers: Vec<TcpStream>,
    tracer: Pid,
}

impl Hung {
    /// `None`: this can't be had here.
    fn start(root: &Path, options: &[&str]) -> Option<Self> {
        File::create(root.join("big")).unwrap().set_len(1_000_000).unwrap();
        let strace = match installed("strace") {
            Ok(strace) => strace,
            Err(error) => {
                skip("a stop while every thread hangs", &error.to_string());
                return None;
            }
        };
        let serve = ServeProcess::command(root);
        let mut command = bare(strace);
        // -D: the server is this process's child, and strace is not.
        command.args(["-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"]);
        command.args(["-e", "trace=sendfile"]);
        command.args(["-e", "inject=sendfile:delay_enter=60000000"]);
        command.arg(serve.get_program()).args(serve.get_args()).arg("0").args(options);
        let server = ServeProcess::run(command).unwrap();
        let tracer = tracer(server.pid());
        let workers = available_parallelism().unwrap().get();
        // More than one a thread, since a thread that hangs holds back one that it was to run next.
        let mut peers: Vec<_> = (0..4 * workers).map(|_| connect(server.addr()).unwrap()).collect();
        // By then they are accepted, and have sent nothing: each request becomes a task of its own.
        assert!(answers(server.addr()));
        for peer in &mut peers {
            peer.write_all(&request(b"big")).unwrap();
        }
        let hang = until(PATIENCE, || (held_threads(server.pid()) >= workers).then_some(()));
        hang.expect("threads that hang");
        Some(Self { server, peers, tracer })
    }

    fn has_exited(&self) -> bool {
        let stat = read_to_string(format!("/proc/{}/stat", self.server.pid())).unwrap();
        stat.contains(") Z ")
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        // Else the server's end would wait for the minute to be over. It may be over.
        kill_process(self.tracer, Signal::KILL).ok();
    }
}

/// The process that traces another one.
fn tracer(traced: Pid) -> Pid {
    let status = read_to_string(format!("/proc/{traced}/status")).unwrap();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).unwrap();
    Pid::from_raw(tracer.trim().parse().unwrap()).expect("a tracer")
}

/// How many threads of a process its tracer holds up.
fn held_threads(traced: Pid) -> usize {
    let threads = entries(format!("/proc/{traced}/task"));
    let stats = threads.iter().filter_map(|thread| read_to_string(thread.join("stat")).ok());
    stats.filter(|stat| stat.contains(") t ")).count()
}

/// Whether a request is answered.
fn answers(address: SocketAddr) -> bool {
    let mut peer = connect(address).unwrap();
    peer.write_all(&request(b"missing")).unwrap();
    peer.read(&mut [0]).is_ok()
}

fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// How long it takes from now until the peer learns that its connection is closed.
fn closed_after(mut peer: TcpStream, start: Instant) -> Duration {
    // The answer, if any, and an end or a reset.
    io::copy(&mut peer, &mut io::sink()).ok();
    start.elapsed()
}

#[test]
fn the_grace_ends_though_every_thread_hangs() {
    within(LIMIT, || {
        let folder = folder(&[]);
        let Some(mut hung) = Hung::start(folder.path(), &["--grace", "1s"]) else { return };
        let start = Instant::now();
        hung.server.signal(Signal::TERM);
        let address = hung.server.addr();
        until(SECOND / 2, || refuses(address).then_some(())).expect("nobody can connect");
        let peers = mem::take(&mut hung.peers).into_iter();
        let peers = peers.map(|peer| thread::spawn(move || closed_after(peer, start)));
        for closed in peers.collect::<Vec<_>>() {
            let closed = closed.join().unwrap();
            assert!(closed < 2 * SECOND, "{closed:?}");
        }
        let end = (start + 2 * SECOND).saturating_duration_since(Instant::now());
        until(end, || hung.has_exited().then_some(()))
            .expect("an end within the grace and a second");
        hung.server.logged("something does not end");
    });
}

#[test]
fn a_second_signal_ends_it_within_a_second_though_every_thread_hangs() {
    within(LIMIT, || {
        let folder = folder(&[]);
        let Some(hung) = Hung::start(folder.path(), &["--grace", "1h"]) else { return };
        hung.server.signal(Signal::TERM);
        let address = hung.server.addr();
        until(SECOND / 2, || refuses(address).then_some(())).expect("nobody can connect");
        assert!(!hung.has_exited(), "the grace is an hour");
        hung.server.signal(Signal::INT);
        until(SECOND, || hung.has_exited().then_some(())).expect("an end within a second");
    });
}

/// Each listener, and while a transfer goes on.
#[test]
fn nobody_can_connect_after_the_first_signal() {
    let folder = folder(&[]);
    File::create(folder.path().join("big")).unwrap().set_len(300_000_000).unwrap();
    let options = ["--bind", "127.0.0.1,127.0.0.2"];
    let server = ServeProcess::run({
        let mut command = ServeProcess::command(folder.path());
        command.arg("0").args(options);
        command
    });
    let server = server.unwrap();
    let addresses = [server.addr(), server.next_addr()];
    let mut peer = connect(addresses[0]).unwrap();
    peer.write_all(&request(b"big")).unwrap();
    peer.read_exact(&mut [0; 8]).unwrap();
    server.signal(Signal::TERM);
    for address in addresses {
        until(SECOND / 2, || refuses(address).then_some(())).expect("nobody can connect");
    }
    let received = io::copy(&mut peer, &mut io::sink()).unwrap();
    assert_eq!(received, 300_000_000);
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0));
    assert!(!log.iter().any(|line| line.contains("cannot accept")), "{log:#?}");
}

#[test]
fn it_stops_while_no_descriptor_is_left_to_accept_with() {
    let folder = folder(&[]);
    let server = ServeProcess::start(folder.path(), &[]).unwrap();
    assert!(answers(server.addr()));
    let few = Rlimit { current: Some(3), maximum: Some(1000) };
    prlimit(Some(server.pid()), Resource::Nofile, few).unwrap();
    let _waiting = connect(server.addr()).unwrap();
    server.logged("cannot accept");
    let start = Instant::now();
    server.signal(Signal::TERM);
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
}
