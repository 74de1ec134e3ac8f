//! The program around the server: options, exit codes, streams, signals, systemd.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::*;

/// A folder with a file that no socket buffers take whole.
fn large() -> TempDir {
    let folder = folder(&[]);
    let big = File::create(folder.path().join("big")).unwrap();
    big.set_len(300_000_000).unwrap();
    folder
}

/// A client that has begun to receive the large file.
fn receiving(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(&request(b"big")).unwrap();
    stream.read_exact(&mut [0; 8]).unwrap();
    stream
}

#[test]
fn a_signal_lets_transfers_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = large();
        let (program, address) = Program::serve(folder.path(), &[]);
        let mut stream = receiving(address);
        program.signal(signal);
        program.logged("stopping");
        let mut rest = stream.try_clone().unwrap().take(u64::MAX);
        let received = std::io::copy(&mut rest, &mut std::io::sink()).unwrap();
        assert_eq!(received, 300_000_000);
        // It has closed by then; nothing listens any more.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        let (code, log) = program.ended();
        assert_eq!(code, Some(0));
        assert!(log.iter().any(|line| line.contains("end=\"sent\"")), "{log:#?}");
        TcpStream::connect(address).expect_err("it listens no more");
    }
}

#[test]
fn the_grace_ends() {
    let folder = large();
    let (program, address) = Program::serve(folder.path(), &["--grace", "200ms"]);
    let _stream = receiving(address);
    program.signal(Signal::TERM);
    let (code, log) = program.ended();
    assert_eq!(code, Some(0));
    let stopped = |line: &String| line.contains("name=\"big\"") && line.contains("end=\"stopped\"");
    assert!(log.iter().any(stopped), "{log:#?}");
}

#[test]
fn a_second_signal_stops_at_once() {
    for (signal, expected) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let folder = large();
        let (program, address) = Program::serve(folder.path(), &["--grace", "1h"]);
        let _stream = receiving(address);
        program.signal(Signal::TERM);
        program.logged("stopping");
        program.signal(signal);
        let (code, log) = program.ended();
        assert_eq!(code, Some(expected));
        assert!(log.iter().any(|line| line.contains("end=\"stopped\"")), "{log:#?}");
    }
}

/// Ends with one sentence on stderr and nothing on stdout.
fn refused(command: &mut Command, code: i32, sentence: &str) {
    let program = Program::start(command);
    assert_eq!(program.stdout_line(), None);
    let (ended, log) = program.ended();
    assert_eq!(ended, Some(code), "{log:#?}");
    let [line] = &log[..] else {
        panic!("one line, not {log:#?}");
    };
    assert!(line.starts_with("fetchlet: ") && line.contains(sentence), "{line}");
}

#[test]
fn what_can_not_be_served_is_refused() {
    let folder = folder(&[("file", b"")]);
    let missing = folder.path().join("missing");
    refused(command(&missing).arg("0"), 66, "does not exist");
    refused(command(&folder.path().join("file")).arg("0"), 66, "is not a folder");
}

#[test]
fn where_it_can_not_listen_is_said() {
    let folder = folder(&[]);
    // A port of R16 that stays taken: the system's own choice may lie above.
    let taken = (40000..50000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let port = taken.as_ref().unwrap().local_addr().unwrap().port().to_string();
    refused(command(folder.path()).arg(&port), 69, "in use");
    let foreign = ["--bind", "192.0.2.1", "5000"];
    refused(command(folder.path()).args(foreign), 69, "no such address");
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
        let (code, _) = Program::start(command(folder.path()).args(wrong)).ended();
        assert_eq!(code, Some(2), "{wrong:?}");
    }
}

#[test]
fn every_option_has_a_variable() {
    let served = folder(&[(".dot", b"hidden")]);
    std::os::unix::fs::symlink(".dot", served.path().join("link")).unwrap();
    let program = |hidden: &str, symlinks: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
        command.env_clear().env("FETCHLET_ROOT", served.path());
        command.env("FETCHLET_HIDDEN", hidden).env("FETCHLET_SYMLINKS", symlinks);
        command.env("FETCHLET_BIND", "127.0.0.1,127.0.0.2").env("FETCHLET_VERBOSE", "1");
        command.env("FETCHLET_LOG_FORMAT", "json").env("FETCHLET_QUIET", "0");
        command.env("FETCHLET_TIMEOUT", "9s").env("FETCHLET_REQUEST_DEADLINE", "9s");
        command.env("FETCHLET_MAX_CONNECTIONS", "9").env("FETCHLET_MAX_PER_PEER", "9");
        Program::start(command.env("FETCHLET_GRACE", "1s").args(["serve", "0"]))
    };
    let open = program("1", "inside");
    assert_eq!(open.listening().ip().to_string(), "127.0.0.1");
    let address = open.listening();
    assert_eq!(address.ip().to_string(), "127.0.0.2");
    assert_eq!(fetch(address, ".dot"), response(b"hidden"));
    assert_eq!(fetch(address, "link"), response(b"hidden"));
    assert!(open.logged("requested").starts_with('{'));
    let closed = program("false", "deny");
    let address = closed.listening();
    assert_eq!(fetch(address, ".dot"), NOT_FOUND);
    assert_eq!(fetch(address, "link"), NOT_FOUND);
}

#[test]
fn help_has_examples() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
    let output = command.args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("fetchlet serve 5000"), "{help}");
    let options = help.matches("\n  -").count() + help.matches("\n      --").count();
    // All but --help.
    assert_eq!(help.matches("[env: FETCHLET_").count(), options - 1, "{help}");
}

#[test]
fn a_closed_stdout_does_not_end_it() {
    let folder = folder(&[("h.txt", b"hello")]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Else nobody would know the port.
    let script = r#"exec 3<&0 >&-; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve --root "$1" 5000"#;
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", script, env!("CARGO_BIN_EXE_fetchlet")]).arg(folder.path());
    let program = Program::start(command.stdin(Stdio::from(OwnedFd::from(listener))));
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    program.signal(Signal::TERM);
    assert_eq!(program.ended().0, Some(0));
}

#[test]
fn connections_with_nothing_to_do_do_not_hold_up_the_stop() {
    let folder = folder(&[("long", &[7; 100_000])]);
    let (program, address) = Program::serve(folder.path(), &["--grace", "15s", "-v"]);
    let mut silent = connect(address);
    program.logged("connected");
    let mut done = connect(address);
    done.write_all(&request(b"long")).unwrap();
    assert!(read_all(&mut done).unwrap() == response(&[7; 100_000]));
    program.logged("end=");
    program.signal(Signal::TERM);
    assert_eq!(read_all(&mut silent).unwrap(), b"");
    assert!(program.logged("end=").contains("end=\"stopped\""));
    let start = Instant::now();
    assert_eq!(program.ended().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// Where it listens is told once per listener, dual-stack is one listener, and only a server that
/// no device can reach says how to change that.
#[test]
fn listeners_are_announced() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (program, six) = Program::serve(folder.path(), &["--bind", "::", "--bind", "::"]);
    assert_eq!(six.ip().to_string(), "::");
    assert_eq!(fetch(([127, 0, 0, 1], six.port()).into(), "h.txt"), response(b"hello"));
    program.signal(Signal::TERM);
    assert_eq!(program.stdout_line(), None, "one line");
    let (both, _) = Program::serve(folder.path(), &["--bind", "::", "--bind", "127.0.0.1"]);
    assert!(both.listening().is_ipv4());
    let (_, log) = program.ended();
    assert!(!log.iter().any(|line| line.contains("--bind")), "{log:#?}");
    let (program, _) = Program::serve(folder.path(), &[]);
    assert!(program.logged("--bind 0.0.0.0").contains("only this machine"));
    let (program, _) = Program::serve(folder.path(), &["-q"]);
    program.signal(Signal::TERM);
    assert_eq!(program.ended(), (Some(0), vec![]));
}

/// What systemd does: a listener as descriptor 3, and a socket to be told that it runs.
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
    let program = Program::start(command.stdin(Stdio::from(OwnedFd::from(listener))));
    assert_eq!(program.listening(), address);
    let mut state = [0; 64];
    let mut told = || systemd.recv(&mut state).map(|len| state[..len].to_vec()).unwrap();
    assert_eq!(told(), b"READY=1");
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    program.logged("PORT and --bind are not used");
    program.signal(Signal::TERM);
    assert_eq!(told(), b"STOPPING=1");
    assert_eq!(program.ended().0, Some(0));
}
