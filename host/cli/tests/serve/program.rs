//! What the program adds to the library's server: options, exit codes, streams, signals, systemd.

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    ChildProcess, NOT_FOUND, PATIENCE, ServeProcess, ask, connect, fetchlet, read_all, response,
};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::*;

/// Makes a folder with the file `big`, which is larger than all socket buffers together.
fn large() -> TempDir {
    let folder = folder(&[]);
    let big = File::create(folder.path().join("big")).unwrap();
    big.set_len(300_000_000).unwrap();
    folder
}

/// Requests `big` and reads the header of the response.
fn receiving(address: SocketAddr) -> TcpStream {
    let mut stream = ask(address, b"big").unwrap();
    stream.read_exact(&mut [0; 8]).unwrap();
    stream
}

#[test]
fn a_signal_lets_transfers_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = large();
        let (program, address) = serve(folder.path(), &[]);
        let mut stream = receiving(address);
        program.signal(signal);
        program.logged("stopping");
        let mut rest = stream.try_clone().unwrap().take(u64::MAX);
        let received = std::io::copy(&mut rest, &mut std::io::sink()).unwrap();
        assert_eq!(received, 300_000_000);
        // The server has closed the connection and its listener by then.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        let (status, log) = program.ended();
        assert_eq!(status.code(), Some(0));
        assert!(log.iter().any(|line| line.contains("end=\"sent\"")), "{log:#?}");
        TcpStream::connect(address).expect_err("it listens no more");
    }
}

#[test]
fn the_grace_ends() {
    let folder = large();
    let (program, address) = serve(folder.path(), &["--grace", "200ms"]);
    let _stream = receiving(address);
    program.signal(Signal::TERM);
    let (status, log) = program.ended();
    assert_eq!(status.code(), Some(0));
    let stopped = |line: &String| line.contains("name=\"big\"") && line.contains("end=\"stopped\"");
    assert!(log.iter().any(stopped), "{log:#?}");
}

#[test]
fn a_second_signal_stops_at_once() {
    for (signal, expected) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let folder = large();
        let (program, address) = serve(folder.path(), &["--grace", "1h"]);
        let _stream = receiving(address);
        program.signal(Signal::TERM);
        program.logged("stopping");
        program.signal(signal);
        let (status, log) = program.ended();
        assert_eq!(status.code(), Some(expected));
        assert!(log.iter().any(|line| line.contains("end=\"stopped\"")), "{log:#?}");
    }
}

/// Asserts that the program ends with `code`, with nothing on stdout, and with one line on stderr
/// that contains `sentence`.
#[track_caller]
fn assert_refused(command: &mut Command, code: i32, sentence: &str) {
    let Output { status, stdout, stderr } = output(command);
    let log = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout), (Some(code), vec![]), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.starts_with("fetchlet: ") && log.contains(sentence), "{log}");
}

#[test]
fn what_can_not_be_served_is_refused() {
    let folder = folder(&[("file", b"")]);
    let missing = folder.path().join("missing");
    assert_refused(ServeProcess::command(&missing).arg("0"), 66, "does not exist");
    let file = folder.path().join("file");
    assert_refused(ServeProcess::command(&file).arg("0"), 66, "is not a folder");
}

#[test]
fn where_it_can_not_listen_is_said() {
    let folder = folder(&[]);
    // R16 allows ports up to 64000; one that the system chooses may lie above.
    let taken = (40000..50000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let port = taken.as_ref().unwrap().local_addr().unwrap().port().to_string();
    assert_refused(ServeProcess::command(folder.path()).arg(&port), 69, "in use");
    let foreign = ["--bind", "192.0.2.1", "5000"];
    assert_refused(ServeProcess::command(folder.path()).args(foreign), 69, "no such address");
}

#[test]
fn a_wrong_command_line_is_refused() {
    let folder = folder(&[]);
    for wrong in [
        &["80"][..],
        &["64001"],
        &["--timeout", "0s", "0"],
        &["--bind", "localhost", "0"],
        &["--max-connections", "0", "0"],
        &["--symlinks", "all", "0"],
        &[],
    ] {
        let ended = output(ServeProcess::command(folder.path()).args(wrong));
        assert_eq!(ended.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn every_option_has_a_variable() {
    let served = folder(&[(".dot", b"hidden")]);
    std::os::unix::fs::symlink(".dot", served.path().join("link")).unwrap();
    let program = |hidden: &str, symlinks: &str| {
        let mut command = fetchlet();
        command.env("FETCHLET_ROOT", served.path());
        command.env("FETCHLET_HIDDEN", hidden).env("FETCHLET_SYMLINKS", symlinks);
        command.env("FETCHLET_BIND", "127.0.0.1,127.0.0.2").env("FETCHLET_VERBOSE", "1");
        command.env("FETCHLET_LOG_FORMAT", "json").env("FETCHLET_QUIET", "0");
        command.env("FETCHLET_TIMEOUT", "9s").env("FETCHLET_REQUEST_DEADLINE", "9s");
        command.env("FETCHLET_MAX_CONNECTIONS", "9").env("FETCHLET_MAX_PER_PEER", "9");
        command.env("FETCHLET_GRACE", "1s").args(["serve", "0"]);
        ServeProcess::run(command).unwrap()
    };
    let open = program("1", "inside");
    assert_eq!(open.addr().ip().to_string(), "127.0.0.1");
    let address = open.next_addr();
    assert_eq!(address.ip().to_string(), "127.0.0.2");
    assert_eq!(fetch(address, ".dot"), response(b"hidden"));
    assert_eq!(fetch(address, "link"), response(b"hidden"));
    assert!(open.logged("requested").starts_with('{'));
    let closed = program("false", "deny");
    let address = closed.addr();
    assert_eq!(fetch(address, ".dot"), NOT_FOUND);
    assert_eq!(fetch(address, "link"), NOT_FOUND);
}

#[test]
fn help_has_examples() {
    let output = output(fetchlet().args(["serve", "--help"]));
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("fetchlet serve 5000"), "{help}");
    let options = help.matches("\n  -").count() + help.matches("\n      --").count();
    // Every option but --help has a variable.
    assert_eq!(help.matches("[env: FETCHLET_").count(), options - 1, "{help}");
}

#[test]
fn a_closed_stdout_does_not_end_it() {
    let folder = folder(&[("h.txt", b"hello")]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The listener is passed to the program, which can't announce the port that it would choose.
    let script = r#"exec 3<&0 >&-; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve --root "$1" 5000"#;
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", script, env!("CARGO_BIN_EXE_fetchlet")]).arg(folder.path());
    let program = ChildProcess::start(command.stdin(OwnedFd::from(listener))).unwrap();
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    program.signal(Signal::TERM).unwrap();
    assert_eq!(program.output(PATIENCE).unwrap().status.code(), Some(0));
}

#[test]
fn connections_with_nothing_to_do_do_not_hold_up_the_stop() {
    let folder = folder(&[("long", &[7; 100_000])]);
    let (program, address) = serve(folder.path(), &["--grace", "15s", "-v"]);
    let mut silent = connect(address).unwrap();
    program.logged("connected");
    let mut done = ask(address, b"long").unwrap();
    assert!(read_all(&mut done).unwrap() == response(&[7; 100_000]));
    program.logged("end=");
    program.signal(Signal::TERM);
    assert_eq!(read_all(&mut silent).unwrap(), b"");
    assert!(program.logged("end=").contains("end=\"stopped\""));
    let start = Instant::now();
    assert_eq!(program.ended().0.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// The program announces each listener once. A dual-stack listener counts once. Only a server that
/// listens on loopback alone logs that no device can reach it.
#[test]
fn listeners_are_announced() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (program, six) = serve(folder.path(), &["--bind", "::", "--bind", "::"]);
    assert_eq!(six.ip().to_string(), "::");
    assert_eq!(fetch(([127, 0, 0, 1], six.port()).into(), "h.txt"), response(b"hello"));
    program.signal(Signal::TERM);
    assert_eq!(program.stdout_line(), None, "one line");
    let (both, _) = serve(folder.path(), &["--bind", "::", "--bind", "127.0.0.1"]);
    assert!(both.next_addr().is_ipv4());
    let (_, log) = program.ended();
    assert!(!log.iter().any(|line| line.contains("--bind")), "{log:#?}");
    let (program, _) = serve(folder.path(), &[]);
    assert!(program.logged("--bind 0.0.0.0").contains("only this machine"));
    let (program, _) = serve(folder.path(), &["-q"]);
    program.signal(Signal::TERM);
    let (status, log) = program.ended();
    assert_eq!((status.code(), log), (Some(0), vec![]));
}

/// systemd passes a listener as descriptor 3, and a socket on which the program reports its state.
#[test]
fn systemd_passes_a_listener_and_is_notified() {
    let folder = folder(&[("h.txt", b"hello")]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = Command::new("sh");
    let script =
        r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve --root "$1" 5000"#;
    command.env_clear().env("NOTIFY_SOCKET", &path).args(["-c", script]);
    command.arg(env!("CARGO_BIN_EXE_fetchlet")).arg(folder.path());
    command.stdin(OwnedFd::from(listener));
    let program = ServeProcess::run(command).unwrap();
    assert_eq!(program.addr(), address);
    let mut state = [0; 64];
    let mut told = || systemd.recv(&mut state).map(|len| state[..len].to_vec()).unwrap();
    assert_eq!(told(), b"READY=1");
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    program.logged("PORT and --bind are not used");
    program.signal(Signal::TERM);
    assert_eq!(told(), b"STOPPING=1");
    assert_eq!(program.ended().0.code(), Some(0));
}
