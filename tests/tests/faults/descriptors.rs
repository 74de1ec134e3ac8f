//! Shortages of descriptors: none for a connection, none for a file, and too few to start.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use fetchlet_test_kit::{
    HELLO, LIMIT, ServeProcess, ask, bare, built, connect, exchange, fetchlet, installed, output,
    read_all, request, skip, until, usage, within,
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;

use crate::{assert_ended, at_once};

/// Fewer than the server's limit per peer.
const CLIENTS: usize = 200;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("f"), "hello").unwrap();
    folder
}

/// Returns the command that serves `folder` with at most this many descriptors.
fn limited(descriptors: u32, folder: &TempDir, options: &str) -> Command {
    let mut shell = bare(installed("sh").unwrap());
    let script = format!("ulimit -n {descriptors}; exec \"$0\" serve --root \"$1\" {options} 0");
    shell.args(["-c", &script]).arg(built("fetchlet").unwrap()).arg(folder.path());
    shell
}

/// Limits a running server to this many descriptors.
fn allow(server: Pid, descriptors: u64) {
    let limit = Rlimit { current: Some(descriptors), maximum: Some(1000) };
    prlimit(Some(server), Resource::Nofile, limit).unwrap();
}

#[test]
fn it_says_how_many_descriptors_it_needs_and_they_are_enough() {
    within(LIMIT, || {
        let folder = folder();
        for few in [24, 33] {
            let ended = output(&mut limited(few, &folder, "-q"));
            assert_ended(&ended, 1, "at least 34 are needed", &format!("{few} descriptors"));
        }
        for enough in [34, 40] {
            // Idle connections hold the few slots until their deadline.
            let options = "--request-deadline 200ms";
            let server = ServeProcess::run(limited(enough, &folder, options)).unwrap();
            let idle = [(); 6].map(|()| TcpStream::connect(server.addr()).unwrap());
            let addr = server.addr();
            at_once(50, &[(); 100], |()| {
                assert_eq!(exchange(addr, &request(b"f")).unwrap(), HELLO);
            });
            drop(idle);
            server.signal(rustix::process::Signal::TERM);
            let (_, log) = server.ended();
            let wrong = |it: &&String| it.contains("cannot accept") || it.contains("server fault");
            assert_eq!(log.iter().filter(wrong).count(), 0, "{enough}: {log:#?}");
        }
    });
}

/// A server whose descriptors are gone before it has made the epoll set of its idle connections,
/// and a client that has asked it for the file.
fn without_an_epoll_set(strace: &Path, folder: &TempDir) -> Option<(ServeProcess, TcpStream)> {
    let mut command = bare(strace);
    // The server says where it listens before. A second is mostly long enough to take the
    // descriptors by then.
    command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=epoll_create1"]);
    command.args(["-e", "inject=epoll_create1:delay_enter=1000000"]);
    command.arg(built("fetchlet").unwrap()).args(["serve", "0", "--root"]).arg(folder.path());
    let server = ServeProcess::run(command).unwrap();
    allow(server.pid(), 3);
    let client = ask(server.addr(), b"f").unwrap();
    // A server that has the set by now lacks a descriptor for the connection.
    let line = server.logged("cannot accept");
    assert!(line.contains("Too many open files"), "{line}");
    line.contains("cannot accept connections yet").then_some((server, client))
}

/// That must neither end the server nor cost who waits for it.
#[test]
fn a_server_that_lacks_a_descriptor_to_begin_with_serves_once_there_is_one() {
    let Ok(strace) = installed("strace") else {
        return skip("a lack of descriptors at the start", "strace is not installed");
    };
    within(LIMIT, move || {
        let folder = folder();
        let (server, client) = until(LIMIT, || without_an_epoll_set(&strace, &folder)).unwrap();
        allow(server.pid(), 1000);
        assert_eq!(read_all(client).unwrap(), HELLO);
        server.signal(rustix::process::Signal::TERM);
        assert_eq!(server.ended().0.code(), Some(0));
    });
}

/// A loop that tries again at once would fill the log and use a whole core.
#[test]
fn a_shortage_is_waited_out_quietly_and_all_who_waited_are_served() {
    within(LIMIT, || {
        let folder = folder();
        let server = ServeProcess::start(folder.path(), &[]).unwrap();
        assert_eq!(exchange(server.addr(), &request(b"f")).unwrap(), HELLO);
        allow(server.pid(), 3);
        let before = usage::cpu(&[server.pid()]).unwrap();
        let clients: Vec<_> = (0..CLIENTS).map(|_| ask(server.addr(), b"f").unwrap()).collect();
        server.logged("cannot accept");
        let (_never, nothing) = mpsc::channel::<()>();
        nothing.recv_timeout(Duration::from_secs(3)).expect_err("nobody sends");
        let spent = usage::cpu(&[server.pid()]).unwrap() - before;
        allow(server.pid(), 1000);
        for client in clients {
            assert_eq!(read_all(client).unwrap(), HELLO);
        }
        assert!(spent < Duration::from_millis(500), "{spent:?} of work to wait for three seconds");
        server.signal(rustix::process::Signal::TERM);
        let (status, log) = server.ended();
        assert_eq!(status.code(), Some(0));
        // The server logs the shortage once in ten seconds, and the first line was read above.
        let errors = log.iter().filter(|line| line.contains("cannot accept")).count();
        assert!(errors < 3, "{log:#?}");
    });
}

/// R8: without a descriptor the server can't know whether the file exists, so the client may try
/// again.
#[test]
fn a_file_for_which_there_is_no_descriptor_is_not_called_missing() {
    within(LIMIT, || {
        let folder = folder();
        let server = ServeProcess::start(folder.path(), &["-v"]).unwrap();
        for name in [&b"f"[..], b"nothing"] {
            let mut client = connect(server.addr()).unwrap();
            // By then the connection has its descriptor.
            server.logged("connected");
            allow(server.pid(), 3);
            client.write_all(&request(name)).unwrap();
            assert_eq!(read_all(client).unwrap(), b"");
            let line = server.logged("end=");
            assert!(line.contains("server fault") && line.contains("Too many open"), "{line}");
            allow(server.pid(), 1000);
        }
        assert_eq!(exchange(server.addr(), &request(b"f")).unwrap(), HELLO);
    });
}

/// The exit code is not that of a missing file (78), and `--retry` tries again.
#[test]
fn a_client_tries_again_when_there_was_no_descriptor_for_its_file() {
    within(LIMIT, || {
        let folder = folder();
        let server = ServeProcess::start(folder.path(), &["-v"]).unwrap();
        let _idle = TcpStream::connect(server.addr()).unwrap();
        server.logged("connected");
        // One descriptor is free for a connection, and none for a file: the kernel gives out the
        // lowest free numbers.
        let taken = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
        let taken = taken.map(|it| it.unwrap().file_name().into_string().unwrap());
        let taken: Vec<u64> = taken.map(|it| it.parse().unwrap()).collect();
        let for_the_file = (0..).filter(|it| !taken.contains(it)).nth(1).unwrap();
        allow(server.pid(), for_the_file);
        let port = server.addr().port().to_string();
        let mut get = fetchlet();
        get.args(["get", "127.0.0.1", &port, "f", "-o", "-"]);
        assert_ended(&output(&mut get), 18, "after 0 of the header's 8 bytes", "no descriptor");
        allow(server.pid(), 1000);
        let ended = output(&mut get);
        assert_ended(&ended, 0, "", "enough descriptors");
        assert_eq!(ended.stdout, b"hello");
    });
}
