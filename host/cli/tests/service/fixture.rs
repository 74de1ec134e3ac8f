//! What the tests of a service share: a folder, its requests, and a program that refuses to start.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use fetchlet_test_kit::{ChildProcess, PATIENCE, exchange, request};
use tempfile::TempDir;

/// The program as built.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fetchlet");

/// Makes a folder that holds `h.txt` with the content `hello`.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("h.txt"), "hello").unwrap();
    folder
}

/// Requests a file and returns the response, header included.
pub(crate) fn fetch(address: SocketAddr, name: &str) -> Vec<u8> {
    exchange(address, &request(name.as_bytes())).unwrap()
}

/// Runs a command that ends by itself.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ChildProcess::start(command).unwrap().output(PATIENCE).unwrap()
}

/// Asserts that a command ends with `code`, with nothing on stdout, and with `sentence` on stderr.
#[track_caller]
pub(crate) fn assert_refused(command: &mut Command, code: i32, sentence: &str) {
    let Output { status, stdout, stderr } = output(command);
    let log = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout), (Some(code), vec![]), "{log}");
    assert!(log.contains(sentence), "{sentence:?} in {log}");
}
