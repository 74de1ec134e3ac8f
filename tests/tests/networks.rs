//! `get` where the network or the name service is not there yet, does not answer, or answers with
//! an address that leads nowhere: in namespaces with an `/etc` and a network of their own.
//!
//! Where user namespaces are refused nothing can be tried: then this says so, and fails if `CI` is
//! `true`.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    ChildProcess, HELLO, LIMIT, PATIENCE, bare, built, installed, skip, within,
};
use tempfile::TempDir;

/// Longer than any of these waits, shorter than the timeouts that are not to be waited for.
const SOON: Duration = Duration::from_secs(5);

/// A folder that takes the place of `/etc`: names are looked up in `hosts`, then at the name server
/// 127.0.0.1.
fn etc(hosts: &str) -> TempDir {
    let etc = TempDir::new().unwrap();
    fs::write(etc.path().join("hosts"), hosts).unwrap();
    fs::write(etc.path().join("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
    fs::write(etc.path().join("nsswitch.conf"), "hosts: files dns\n").unwrap();
    // A name in `hosts` may have several addresses.
    fs::write(etc.path().join("host.conf"), "multi on\n").unwrap();
    // Where the libraries are.
    for file in ["ld.so.cache", "ld.so.conf"] {
        if let Ok(content) = fs::read(Path::new("/etc").join(file)) {
            fs::write(etc.path().join(file), content).unwrap();
        }
    }
    etc
}

/// A shell with that folder as its `/etc`, and with `namespaces` of its own. The script finds the
/// program as `$GET`, the folder `served` as `$SERVED`.
fn shell(namespaces: &[&str], etc: &TempDir, served: &TempDir, script: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let script = format!("set -e\nmount --bind {} /etc\n{script}", etc.path().display());
    let mut command = bare(installed("unshare").unwrap());
    command.args(["--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]);
    command.args(namespaces).args(["sh", "-c", &script]).current_dir(served);
    command.env("PATH", path).env("GET", built("fetchlet").unwrap()).env("SERVED", served.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether this machine lets tests make such namespaces; said if not.
fn possible() -> bool {
    let (etc, served) = (etc(""), TempDir::new().unwrap());
    let output = shell(&["--net"], &etc, &served, "ip link set lo up").output();
    match output {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            skip("networks", &String::from_utf8_lossy(&output.stderr));
            false
        }
        Err(error) => {
            skip("networks", &error.to_string());
            false
        }
    }
}

fn finish(mut command: Command) -> (Output, Duration) {
    let started = Instant::now();
    let output = ChildProcess::start(&mut command).unwrap().output(PATIENCE).unwrap();
    (output, started.elapsed())
}

#[track_caller]
fn assert_ended(output: &Output, code: i32, said: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(said), "{said:?} is not in {stderr:?}");
}

/// The first try fails; `repair` is done when `get` says that it tries again, and the file arrives.
fn is_tried_again(before: &str, host: &str, repair: &str) {
    let (etc, served) = (etc(""), TempDir::new().unwrap());
    fs::write(served.path().join("h.txt"), "hello").unwrap();
    let script = format!(
        "{before}
        \"$GET\" serve --quiet --bind 0.0.0.0 --root \"$SERVED\" 5000 > announced &
        until [ -s announced ]; do sleep 0.02; done
        \"$GET\" get {host} 5000 h.txt --output - --retry 3 2> said &
        get=$!
        until grep -q 'trying again' said; do kill -0 $get || {{ cat said >&2; exit 1; }}; sleep 0.02; done
        {repair}
        wait $get"
    );
    let (output, _) = finish(shell(&["--net"], &etc, &served, &script));
    assert_ended(&output, 0, "");
    assert_eq!(output.stdout, b"hello");
}

#[test]
fn a_network_that_is_not_up_yet_is_tried_again() {
    within(LIMIT, || {
        if possible() {
            is_tried_again("", "127.0.0.1", "ip link set lo up");
        }
    });
}

#[test]
fn a_name_service_that_is_not_up_yet_is_tried_again() {
    within(LIMIT, || {
        if possible() {
            let repair = "echo 127.0.0.1 server.test >> /etc/hosts";
            is_tried_again("ip link set lo up", "server.test", repair);
        }
    });
}

#[test]
fn a_name_that_does_not_exist_is_not_tried_again() {
    within(LIMIT, || {
        if !possible() {
            return;
        }
        let (etc, served) = (etc(""), TempDir::new().unwrap());
        fs::write(etc.path().join("nsswitch.conf"), "hosts: files\n").unwrap();
        let script = "exec \"$GET\" get server.test 5000 h.txt --retry 3";
        let (output, _) = finish(shell(&["--net"], &etc, &served, script));
        assert_ended(&output, 6, "check the host's name");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("again"), "{output:?}");
    });
}

/// A name server that takes questions and never answers: the socket stays open in `get` itself.
const MUTE_NAME_SERVER: &str = "import os, socket, sys
mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mute.bind(('127.0.0.1', 53))
mute.set_inheritable(True)
os.execvp(sys.argv[1], sys.argv[1:])";

#[test]
fn a_name_service_that_does_not_answer_is_bounded_by_the_connect_timeout() {
    within(LIMIT, || {
        if !possible() {
            return;
        }
        let (etc, served) = (etc(""), TempDir::new().unwrap());
        fs::write(served.path().join("mute.py"), MUTE_NAME_SERVER).unwrap();
        let script = "ip link set lo up
            exec python3 mute.py \"$GET\" get server.test 5000 h.txt --connect-timeout 300ms --retry 1";
        let (output, elapsed) = finish(shell(&["--net"], &etc, &served, script));
        assert_ended(&output, 28, "has not answered in time");
        assert_ended(&output, 28, "trying again");
        assert!(elapsed < SOON, "{elapsed:?}");
    });
}

#[test]
fn a_name_service_that_does_not_answer_is_bounded_by_the_timeout_of_the_examples() {
    within(LIMIT, || {
        if !possible() {
            return;
        }
        for (program, options) in
            [("simulated", ""), ("linux_tap", "--tap tap0 --address 192.168.69.100/24")]
        {
            let (etc, served) = (etc(""), TempDir::new().unwrap());
            fs::write(served.path().join("mute.py"), MUTE_NAME_SERVER).unwrap();
            let script = format!(
                "ip link set lo up
                exec python3 mute.py \"$EXAMPLE\" {options} --server server.test 5000 f --timeout 300ms"
            );
            let mut command = shell(&["--net"], &etc, &served, &script);
            command.env("EXAMPLE", built(program).unwrap());
            let (output, elapsed) = finish(command);
            assert_ended(&output, 1, "has not answered within 300ms");
            assert!(elapsed < SOON, "{program}: {elapsed:?}");
        }
    });
}

/// A listener whose queue is full, so that every further connection is left unanswered.
fn black_hole() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connection) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        queued.push(connection);
        assert!(queued.len() < 10, "a queue of 0 has room for more than 10");
    }
    (listener, queued)
}

/// Answers one request with the file, at another address with the port of `hole`; `None` if some
/// other program has that port.
fn server_beside(hole: SocketAddr) -> Option<thread::JoinHandle<io::Result<()>>> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 2], hole.port()))).ok()?;
    Some(thread::spawn(move || {
        let mut connection = listener.accept()?.0;
        connection.read_exact(&mut [0; 5 + "h.txt".len()])?;
        connection.write_all(HELLO)
    }))
}

/// The system sorts the addresses of a name, 127.0.0.1 before 127.0.0.2.
#[test]
fn an_address_that_does_not_answer_costs_no_timeout() {
    within(LIMIT, || {
        if !possible() {
            return;
        }
        let (etc, served) =
            (etc("127.0.0.1 server.test\n127.0.0.2 server.test\n"), TempDir::new().unwrap());
        let (hole, server) = loop {
            let hole = black_hole();
            if let Some(server) = server_beside(hole.0.local_addr().unwrap()) {
                break (hole, server);
            }
        };
        let port = hole.0.local_addr().unwrap().port();
        let script =
            format!("exec \"$GET\" get server.test {port} h.txt --output - --connect-timeout 15s");
        let (output, elapsed) = finish(shell(&[], &etc, &served, &script));
        assert_ended(&output, 0, "5 bytes");
        assert_eq!(output.stdout, b"hello");
        assert!(elapsed < SOON, "{elapsed:?}");
        server.join().unwrap().unwrap();
    });
}
