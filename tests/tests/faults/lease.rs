//! A file that another program has a write lease on, as Samba and NFS servers have: to open it
//! starts to break the lease, which takes that program a while.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    ChildProcess, HELLO, LIMIT, ServeProcess, exchange, installed, request, within,
};

/// Takes a write lease on a file, says so, and gives it up so many seconds after it was asked to.
const HOLDER: &str = "
import fcntl, os, signal, sys, threading, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
signal.sigwait([signal.SIGIO])
print('asked', flush=True)
time.sleep(float(sys.argv[2]))
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
signal.pause()
";

/// A program that holds a lease on `f`, which it gives up as late, and the lines that it says.
fn holder(
    folder: &tempfile::TempDir,
    late: &str,
) -> (ChildProcess, impl Iterator<Item = String> + use<>) {
    let mut command = Command::new(installed("python3").unwrap());
    command.args(["-c", HOLDER]).arg(folder.path().join("f")).arg(late);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = ChildProcess::start(&mut command).unwrap();
    let mut lines = BufReader::new(child.stdout().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("held"));
    (child, lines)
}

#[test]
fn a_lease_is_waited_out() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "hello").unwrap();
        fs::write(folder.path().join("g"), "hello").unwrap();
        let server = ServeProcess::start(folder.path(), &[]).unwrap();
        let (_holder, mut said) = holder(&folder, "1");
        let addr = server.addr();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| exchange(addr, &request(b"f")).unwrap());
            assert_eq!(said.next().as_deref(), Some("asked"));
            let start = Instant::now();
            assert_eq!(exchange(addr, &request(b"g")).unwrap(), HELLO);
            assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
            assert_eq!(waiting.join().unwrap(), HELLO);
        });
        assert!(server.logged("name=\"g\"").contains("end=\"sent\""));
        assert!(server.logged("name=\"f\"").contains("end=\"sent\""));
    });
}

#[test]
fn a_lease_that_is_not_given_up_is_a_fault_after_the_timeout() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "hello").unwrap();
        let server = ServeProcess::start(folder.path(), &["--timeout", "1s"]).unwrap();
        let (_holder, _said) = holder(&folder, "50");
        let start = Instant::now();
        assert_eq!(exchange(server.addr(), &request(b"f")).unwrap(), b"");
        let took = start.elapsed();
        assert!((1..5).contains(&took.as_secs()), "{took:?}");
        let line = server.logged("end=");
        assert!(line.contains("server fault") && line.contains("lease"), "{line}");
    });
}
