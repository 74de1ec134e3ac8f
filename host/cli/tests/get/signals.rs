//! Signals in the middle of a download.

use std::fs;
use std::io::{ErrorKind, Write, pipe};
use std::iter;
use std::process::Stdio;

use fetchlet_test_kit::{ChildProcess, PATIENCE, on_disk};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{
    assert_ended, finish, program, shell, spawn, staging_file, stuck_in_data, wait,
};

/// The signals that are not for a program to answer: SIGKILL and SIGSTOP can't be caught, SIGPIPE
/// is ignored from the start, since the write reports it, and the others end nothing. 32 and 33
/// are the C library's own.
const OTHERS: [i32; 12] = [9, 13, 17, 18, 19, 20, 21, 22, 23, 28, 32, 33];

/// Starts `fetchlet get h.txt --force` from a peer that is stuck, with these signals ignored and no
/// others, whatever the test was started to ignore. SIGCHLD, which ends nothing, stands for none.
fn start_ignoring(dir: &TempDir, ignored: &str) -> ChildProcess {
    let port = stuck_in_data().port();
    let get = format!("trap '' {ignored}; exec \\\"\\$0\\\" get 127.0.0.1 {port} h.txt --force");
    let child = spawn(shell(dir, &format!("exec env --default-signal sh -c \"{get}\" \"$0\"")));
    staging_file(dir.path());
    child
}

/// Sends a signal by its number: some have no name.
fn send(dir: &TempDir, child: &ChildProcess, signal: i32) {
    let kill = format!("kill -{signal} {}", child.pid().as_raw_nonzero());
    assert_ended(&finish(shell(dir, &kill)), 0, "");
}

#[test]
fn each_signal_that_ends_it_removes_what_is_unfinished() {
    for signal in (1..=64).filter(|signal| !OTHERS.contains(signal)) {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("h.txt"), "old").unwrap();
        let child = start_ignoring(&dir, "CHLD");
        send(&dir, &child, signal);
        assert_ended(&wait(child), 128 + signal, "the unfinished file is removed");
        assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())], "signal {signal}");
    }
}

#[test]
fn signals_that_were_ignored_before_stay_ignored() {
    let dir = TempDir::new().unwrap();
    let child = start_ignoring(&dir, "HUP INT QUIT USR1 ALRM");
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1, Signal::ALARM] {
        child.signal(signal).unwrap();
    }
    child.signal(Signal::TERM).unwrap();
    assert_ended(&wait(child), 143, "signal");
}

/// A program that is stopped goes on, and one whose window changes does not care.
#[test]
fn signals_that_end_nothing_end_nothing() {
    let dir = TempDir::new().unwrap();
    let child = start_ignoring(&dir, "CHLD");
    for signal in [Signal::TSTP, Signal::CONT, Signal::WINCH, Signal::URG, Signal::PIPE] {
        child.signal(signal).unwrap();
    }
    child.signal(Signal::TERM).unwrap();
    assert_ended(&wait(child), 143, "signal");
}

/// As a terminal that is stopped by Ctrl-S, or a pipe that nobody reads.
#[test]
fn a_signal_ends_it_though_nobody_reads_stderr() {
    let dir = TempDir::new().unwrap();
    let (_reader, mut stderr) = pipe().unwrap();
    rustix::io::ioctl_fionbio(&stderr, true).unwrap();
    let full = iter::repeat_with(|| stderr.write(b".")).find_map(Result::err).unwrap();
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    rustix::io::ioctl_fionbio(&stderr, false).unwrap();
    let mut get = program(&dir, stuck_in_data(), &["h.txt"]);
    let mut child = ChildProcess::start(get.stdout(Stdio::null()).stderr(stderr)).unwrap();
    staging_file(dir.path());
    child.signal(Signal::TERM).unwrap();
    let status = child.wait(PATIENCE).unwrap().expect("an end");
    assert_eq!(status.code(), Some(143));
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn kill_9_leaves_the_target_as_it_was() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    let child = spawn(program(&dir, stuck_in_data(), &["h.txt", "--force"]));
    let staging = staging_file(dir.path());
    child.signal(Signal::KILL).unwrap();
    assert_eq!(wait(child).status.code(), None);
    assert_eq!(fs::read(dir.path().join("h.txt")).unwrap(), b"old");
    assert!(staging.starts_with(".h.txt.part-"), "{staging}");
}
