//! What the tests of a service share: a folder, its requests, and a program that refuses to start.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fetchlet_test_kit::{ChildProcess, PATIENCE, connect, exchange, request};
use tempfile::TempDir;

/// The program as built.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fetchlet");

/// The length of `big`, in bytes: more than all socket buffers take.
const BIG: u64 = 300_000_000;

/// Makes a folder that holds `h.txt` with the content `hello`.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("h.txt"), "hello").unwrap();
    folder
}

/// Makes the releases `1` and `2`, whose `h.txt` holds their name, and the link `current` to the
/// first, which alone has `big`.
pub(crate) fn releases() -> TempDir {
    let outer = tempfile::tempdir().unwrap();
    for release in ["1", "2"] {
        fs::create_dir(outer.path().join(release)).unwrap();
        fs::write(outer.path().join(release).join("h.txt"), release).unwrap();
    }
    File::create(outer.path().join("1/big")).unwrap().set_len(BIG).unwrap();
    symlink("1", outer.path().join("current")).unwrap();
    outer
}

/// Lets `current` lead to another release. As a deployment does it: there is no moment without it.
pub(crate) fn switch(outer: &Path, release: &str) {
    symlink(release, outer.join("next")).unwrap();
    fs::rename(outer.join("next"), outer.join("current")).unwrap();
}

/// Requests a file and returns the response, header included.
pub(crate) fn fetch(address: SocketAddr, name: &str) -> Vec<u8> {
    exchange(address, &request(name.as_bytes())).unwrap()
}

/// Requests `big` and reads the header of the response.
pub(crate) fn receiving(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address).unwrap();
    stream.write_all(&request(b"big")).unwrap();
    stream.read_exact(&mut [0; 8]).unwrap();
    stream
}

/// Asserts that all of `big` comes.
#[track_caller]
pub(crate) fn assert_whole(mut stream: TcpStream) {
    assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), BIG);
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
