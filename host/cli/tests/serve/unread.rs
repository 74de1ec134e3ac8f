//! A log, and a stdout, that nobody reads: the server starts, serves and stops all the same.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, PipeReader, PipeWriter, Write, pipe};
use std::iter;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{ChildProcess, LIMIT, NOT_FOUND, PATIENCE, ServeProcess, response, within};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::process::Signal;

use crate::harness::*;

/// More lines than the pipe and the queue of the log hold together.
const EXCHANGES: usize = 2_000;

/// What a stop may take beyond the grace.
const SECOND: Duration = Duration::from_secs(1);

/// A server whose log goes into a pipe that is read only at the end.
struct Unread {
    process: ChildProcess,
    address: SocketAddr,
    log: PipeReader,
    /// Another descriptor of what the server writes to.
    log_writer: PipeWriter,
}

impl Unread {
    fn start(root: &Path, options: &[&str]) -> Self {
        let (log, log_writer) = pipe().unwrap();
        let mut command = ServeProcess::command(root);
        command.args(options).arg("0").stderr(log_writer.try_clone().unwrap());
        let (process, line) = ChildProcess::announced(&mut command).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").expect(&line);
        Self { process, address: address.parse().expect(&line), log, log_writer }
    }

    /// Has a line of some 1,100 bytes logged so many times.
    fn have_logged(&self, count: usize) {
        let long = "x".repeat(1000);
        for _ in 0..count {
            assert_eq!(fetch(self.address, &long), NOT_FOUND);
        }
    }
}

#[test]
fn lines_beyond_what_the_log_takes_are_dropped_and_counted() {
    within(LIMIT, || {
        for format in ["text", "json"] {
            let folder = folder(&[]);
            let server = Unread::start(folder.path(), &["--log-format", format]);
            server.have_logged(EXCHANGES);
            let flags = fcntl_getfl(&server.log_writer).unwrap();
            assert!(!flags.contains(OFlags::NONBLOCK), "others have the same stream");
            drop(server.log_writer);
            let mut lines = BufReader::new(server.log).lines().map(Result::unwrap);
            let before = lines.by_ref().take_while(|line| !line.contains("lines are lost"));
            let logged = before.filter(|line| line.contains("not found")).count();
            assert!(logged > 0 && logged < EXCHANGES, "{logged}");
            // It is read again, so that nothing is lost any more.
            assert_eq!(fetch(server.address, "y"), NOT_FOUND);
            assert!(lines.next().unwrap().contains("not found"));
            server.process.signal(Signal::TERM).unwrap();
            assert!(lines.next().unwrap().contains("stopping"));
        }
    });
}

#[test]
fn the_count_of_lost_lines_is_right() {
    within(LIMIT, || {
        let folder = folder(&[]);
        let server = Unread::start(folder.path(), &[]);
        server.have_logged(EXCHANGES);
        drop(server.log_writer);
        let mut lines = BufReader::new(server.log).lines().map(Result::unwrap);
        let count = |line: &str| line.split_once("lost=").and_then(|(_, count)| count.parse().ok());
        let mut logged = 0;
        let lost = lines.find_map(|line| {
            logged += usize::from(line.contains("not found"));
            count(&line)
        });
        assert_eq!(logged + lost.unwrap_or(0), EXCHANGES);
    });
}

#[test]
fn a_stop_waits_for_no_log() {
    let folder = folder(&[]);
    let mut server = Unread::start(folder.path(), &[]);
    server.have_logged(EXCHANGES);
    server.process.signal(Signal::TERM).unwrap();
    let status = server.process.wait(SECOND).unwrap().expect("an end within a second");
    assert_eq!(status.code(), Some(0));
}

/// A pipe that takes not one byte more.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let full = iter::repeat_with(|| writer.write(b".")).find_map(Result::err).unwrap().kind();
    assert_eq!(full, ErrorKind::WouldBlock);
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

/// `fetchlet serve` on a port that the test knows, as systemd starts it.
fn serve_on(listener: TcpListener, root: &Path) -> Command {
    let script =
        r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve --root "$1" 5000"#;
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", script, env!("CARGO_BIN_EXE_fetchlet")]).arg(root);
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    command
}

#[test]
fn a_full_stdout_and_a_full_stderr_hold_up_neither_the_start_nor_the_stop() {
    let folder = folder(&[("h.txt", b"hello")]);
    for stdout_is_full in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut command = serve_on(listener, folder.path());
        let (_reader, writer) = full_pipe();
        if stdout_is_full {
            command.stdout(writer).stderr(Stdio::null());
        } else {
            command.stderr(writer).stdout(Stdio::null());
        }
        let mut process = ChildProcess::start(&mut command).unwrap();
        assert_eq!(fetch(address, "h.txt"), response(b"hello"));
        process.signal(Signal::TERM).unwrap();
        let status = process.wait(SECOND).unwrap().expect("an end within a second");
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn a_start_that_fails_ends_though_nobody_reads_why() {
    let folder = folder(&[]);
    let (_reader, writer) = full_pipe();
    let mut command = ServeProcess::command(&folder.path().join("missing"));
    let mut process = ChildProcess::start(command.arg("0").stderr(writer)).unwrap();
    let status = process.wait(PATIENCE).unwrap().expect("an end");
    assert_eq!(status.code(), Some(66));
}

/// As `ulimit -f` has it: writing on would end the program by a signal.
#[test]
fn a_log_that_may_not_grow_loses_lines_and_ends_nothing() {
    let folder = folder(&[]);
    let log = folder.path().join("log");
    let mut command = Command::new("sh");
    let script = r#"ulimit -f 1; exec "$0" serve --root "$1" 0 2> "$1/log""#;
    command.env_clear().args(["-c", script, env!("CARGO_BIN_EXE_fetchlet")]).arg(folder.path());
    let (mut process, line) = ChildProcess::announced(&mut command).unwrap();
    let address = line.trim_end().strip_prefix("listening on ").expect(&line).parse().unwrap();
    let start = Instant::now();
    while File::open(&log).unwrap().metadata().unwrap().len() < 512 || start.elapsed() < SECOND / 5
    {
        assert_eq!(fetch(address, "x"), NOT_FOUND);
        assert!(start.elapsed() < PATIENCE);
    }
    process.signal(Signal::TERM).unwrap();
    assert_eq!(process.wait(SECOND).unwrap().expect("an end").code(), Some(0));
}
