//! Sockets that somebody else has opened: they are looked at before they are believed.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use fetchlet_test_kit::{ServeProcess, response};
use socket2::{Domain, Socket, Type};

use crate::fixture::{PROGRAM, assert_refused, fetch, folder};

/// As systemd starts it, with `socket` as descriptor 3. `variables` are those of sd_listen_fds(3);
/// `$$` is the process.
fn passed(root: &Path, socket: impl Into<OwnedFd>, variables: &str) -> Command {
    let script = format!(
        r#"exec 3<&0 </dev/null; {variables} exec "$0" serve --root "$1" 0 --bind 127.0.0.1"#
    );
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", &script, PROGRAM]).arg(root);
    command.stdin(Stdio::from(socket.into()));
    command
}

#[track_caller]
fn serves(command: Command) -> ServeProcess {
    ServeProcess::run(command).unwrap()
}

/// Asserts that it ends with 69 and one sentence.
#[track_caller]
fn refused(mut command: Command, sentence: &str) {
    assert_refused(&mut command, 69, sentence);
}

fn listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

#[test]
fn what_can_not_be_listened_on_is_refused_with_its_descriptor() {
    let folder = folder();
    let unix = UnixListener::bind(folder.path().join("unix")).unwrap();
    let listening = listener();
    let connected = TcpStream::connect(listening.local_addr().unwrap()).unwrap();
    let idle = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let path = folder.path().join("h.txt");
    let is_the_file = format!("it is {path:?}, no socket");
    for (socket, sentence) in [
        (OwnedFd::from(UdpSocket::bind("127.0.0.1:0").unwrap()), "it is no TCP socket"),
        (unix.into(), "it is no TCP socket"),
        (connected.into(), "it does not listen"),
        (idle.into(), "it does not listen"),
        (File::open(&path).unwrap().into(), &is_the_file),
        (File::open("/dev/null").unwrap().into(), "it is \"/dev/null\", no socket"),
    ] {
        let program = passed(folder.path(), socket, "LISTEN_PID=$$ LISTEN_FDS=1");
        refused(program, &format!("descriptor 3, socket 0 of LISTEN_FDS: {sentence}"));
    }
    let program = passed(folder.path(), listener(), "LISTEN_PID=$$ LISTEN_FDS=2");
    refused(program, "descriptor 4, socket 1 of LISTEN_FDS: it is not open");
    let program = passed(folder.path(), listener(), "exec 3<&-; LISTEN_PID=$$ LISTEN_FDS=1");
    refused(program, "descriptor 3, socket 0 of LISTEN_FDS: it is not open");
}

#[test]
fn variables_that_are_no_numbers_are_refused() {
    let folder = folder();
    for fds in ["one", "-1", "1x", "99999999999"] {
        let program = passed(folder.path(), listener(), &format!("LISTEN_PID=$$ LISTEN_FDS={fds}"));
        refused(program, &format!("LISTEN_FDS is \"{fds}\""));
    }
    let program = passed(folder.path(), listener(), "LISTEN_PID=me LISTEN_FDS=1");
    refused(program, "LISTEN_PID is \"me\"");
}

/// As sd_listen_fds(3) has it: they were for a parent, which let its children inherit them.
#[test]
fn sockets_of_another_process_are_not_used_and_that_is_said() {
    let folder = folder();
    let other = listener();
    let foreign = other.local_addr().unwrap();
    let program = serves(passed(folder.path(), other, "LISTEN_PID=1 LISTEN_FDS=1"));
    let own = program.addr();
    assert_ne!(own, foreign);
    program.logged("for process 1 (LISTEN_PID)");
    assert_eq!(fetch(own, "h.txt"), response(b"hello"));
}

#[test]
fn none_are_passed_on_by_empty_variables() {
    let folder = folder();
    for variables in ["LISTEN_FDS=", "LISTEN_PID=$$ LISTEN_FDS=0", "LISTEN_PID=$$"] {
        let program = serves(passed(folder.path(), listener(), variables));
        assert_eq!(fetch(program.addr(), "h.txt"), response(b"hello"), "{variables}");
    }
}

#[test]
fn a_port_that_clients_refuse_is_told() {
    let folder = folder();
    let beyond = (64001..=65535).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let program = passed(folder.path(), beyond.unwrap(), "LISTEN_PID=$$ LISTEN_FDS=1");
    let program = serves(program);
    let address = program.addr();
    program.logged(&format!("clients refuse port {}", address.port()));
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
}
