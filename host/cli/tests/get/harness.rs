//! Peers that answer with raw bytes, the program `fetchlet get`, and what it left on disk.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The response (R3) for a file that holds `hello`.
pub(crate) const HELLO: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x05hello";
/// The response (R3) for a missing file.
pub(crate) const NOT_FOUND: &[u8] = b"\x49\x7E\x02\x00\x00\x00\x00\x00";
/// Far longer than anything here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A server for one exchange that answers with these bytes, then closes.
pub(crate) fn answering(bytes: &[u8]) -> SocketAddr {
    let bytes = bytes.to_vec();
    script(move |peer| answer(peer, &bytes))
}

/// A server that is stuck after a byte of data.
pub(crate) fn stuck_in_data() -> SocketAddr {
    script(|mut peer| {
        peer.write_all(&HELLO[..9]).unwrap();
        wait_for_close(peer);
    })
}

/// A server for one exchange: `act` runs once the request for the file has come.
pub(crate) fn script(act: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        read_request(&mut peer);
        act(peer);
    });
    address
}

pub(crate) fn answer(mut peer: TcpStream, bytes: &[u8]) {
    peer.write_all(bytes).unwrap();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    wait_for_close(peer);
}

pub(crate) fn read_request(peer: &mut TcpStream) {
    let mut header = [0; 5];
    peer.read_exact(&mut header).unwrap();
    let mut name = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    peer.read_exact(&mut name).unwrap();
}

/// Until the client is gone, however it goes.
pub(crate) fn wait_for_close(mut peer: TcpStream) {
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    while matches!(peer.read(&mut [0; 4096]), Ok(1..)) {}
}

pub(crate) fn get(dir: &TempDir, server: SocketAddr, arguments: &[&str]) -> Output {
    finish(program(dir, server, arguments))
}

pub(crate) fn program(dir: &TempDir, server: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
    command.args(["get", &server.ip().to_string(), &server.port().to_string()]);
    command.args(arguments).current_dir(dir).process_group(0);
    command
}

pub(crate) fn finish(command: Command) -> Output {
    wait(spawn(command))
}

pub(crate) fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end, not longer than the deadline.
pub(crate) fn wait(child: Child) -> Output {
    let pid = Pid::from_child(&child);
    let (done, waiting) = std::sync::mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output().unwrap()));
    waiting.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("it did not end within {DEADLINE:?}");
    })
}

pub(crate) fn kill(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until there is a staging file with a byte in it; its name.
pub(crate) fn staging_file(dir: &Path) -> String {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.contains(".part-") && entry.metadata().is_ok_and(|it| it.len() > 0) {
                return name;
            }
        }
        thread::yield_now();
    }
    panic!("no staging file within {DEADLINE:?}");
}

pub(crate) fn on_disk(dir: &TempDir) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[track_caller]
pub(crate) fn assert_ended(output: &Output, code: i32, said: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(said), "{said:?} is not in {stderr:?}");
}
