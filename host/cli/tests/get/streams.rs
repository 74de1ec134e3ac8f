//! The bytes on stdout and on stderr, and the end of the program when they are closed.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use fetchlet_test_kit::{ChildProcess, HELLO, NOT_FOUND, on_disk};
use tempfile::TempDir;

use crate::harness::{answering, assert_ended, finish, get, program, script, shell, spawn, wait};

#[test]
fn a_file_is_put_under_its_last_component_and_nothing_goes_to_stdout() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["assets/h.txt"]);
    assert_ended(&output, 0, "5 bytes");
    assert!(output.stdout.is_empty());
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn stdout_carries_the_file_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "--output", "-", "--progress", "bar"]);
    assert_ended(&output, 0, "");
    assert_eq!(output.stdout, b"hello");
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn quiet_says_nothing() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "-q"]);
    assert_ended(&output, 0, "");
    assert!(output.stderr.is_empty());
}

#[test]
fn a_full_disk_ends_with_23_and_its_words() {
    let dir = TempDir::new().unwrap();
    let mut command = program(&dir, answering(HELLO), &["h.txt", "-o", "-"]);
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    let child = ChildProcess::start(command.stderr(Stdio::piped())).unwrap();
    assert_ended(&wait(child), 23, "No space left on device (os error 28); that is stdout");
}

#[test]
fn what_went_to_stdout_is_not_sent_there_again() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(&HELLO[..11]), &["h.txt", "--retry", "3", "-o", "-"]);
    assert_ended(&output, 18, "3 of 5 bytes");
    assert_eq!(output.stdout, b"hel");
}

#[test]
fn a_closed_stdout_ends_quietly_with_141() {
    let dir = TempDir::new().unwrap();
    let peer = script(|mut peer| {
        // The file is larger than a pipe's buffer, so the program writes to the closed end.
        peer.write_all(b"\x49\x7E\x02\x01\x01\x00\x00\x00")?;
        while peer.write_all(&[0; 65536]).is_ok() {}
        Ok(())
    });
    let mut child = spawn(program(&dir, peer, &["h.txt", "-o", "-"]));
    drop(child.stdout().unwrap());
    let output = wait(child);
    assert_ended(&output, 141, "");
    assert!(output.stderr.is_empty());
}

#[test]
fn no_stdout_at_all_ends_quietly_with_141() {
    for options in ["-o -", "-o /dev/fd/1", "--print-checksum"] {
        let dir = TempDir::new().unwrap();
        let port = answering(HELLO).port();
        let script = format!("exec \"$0\" get 127.0.0.1 {port} h.txt {options} >&-");
        let output = finish(shell(&dir, &script));
        assert_ended(&output, 141, "");
        assert!(output.stderr.is_empty());
        assert_eq!(on_disk(&dir), []);
    }
}

/// As Python's `subprocess.DEVNULL` opens it: that looks like the `/dev/null` that Rust's runtime
/// opens in the place of a closed stdout.
#[test]
fn a_stdout_that_leads_to_dev_null_is_no_closed_one() {
    for options in [&["-o", "-"][..], &["--print-checksum"]] {
        let dir = TempDir::new().unwrap();
        let mut command = program(&dir, answering(HELLO), &["h.txt"]);
        let null = File::options().read(true).write(true).open("/dev/null").unwrap();
        command.args(options).stdout(null).stderr(Stdio::piped());
        assert_ended(&wait(ChildProcess::start(&mut command).unwrap()), 0, "5 bytes");
    }
}

#[test]
fn names_are_escaped_for_the_terminal() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(NOT_FOUND), &["a\nb\x1b[31m\u{202e}c"]);
    assert_ended(&output, 78, r"a\nb\u{1b}[31m\u{202e}c: ");
    assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 1);
}
