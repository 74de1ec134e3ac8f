//! A running `fetchlet serve`, and raw peers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Nothing here takes that long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const NOT_FOUND: &[u8] = b"\x49\x7E\x02\x00\x00\x00\x00\x00";
pub(crate) const MALFORMED: &[u8] = b"\x49\x7E\x02\x02\x00\x00\x00\x00";

/// A folder to serve.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// `fetchlet serve --root FOLDER 0`, with nothing of our own environment but what it needs.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
    command.env_clear().arg("serve").arg("--root").arg(root);
    command
}

/// The program, killed when dropped.
pub(crate) struct Program {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Starts it on a free port, and returns where it listens.
    pub(crate) fn serve(root: &Path, options: &[&str]) -> (Self, SocketAddr) {
        let program = Self::start(command(root).args(options).arg("0"));
        let address = program.listening();
        (program, address)
    }

    /// The address in the next line of stdout.
    pub(crate) fn listening(&self) -> SocketAddr {
        let line = self.stdout_line().expect("a line on stdout");
        let address = line.strip_prefix("listening on ").expect(&line);
        address.parse().expect(&line)
    }

    pub(crate) fn stdout_line(&self) -> Option<String> {
        next(&self.stdout)
    }

    /// The next line of the log that holds `text`.
    pub(crate) fn logged(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match next(&self.stderr) {
                Some(line) if line.contains(text) => return line,
                Some(line) => seen.push(line),
                None => panic!("no line with {text:?} in {seen:#?}"),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What is left on stderr once it has ended.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.wait().code();
        (code, std::iter::from_fn(|| next(&self.stderr)).collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn next(lines: &Receiver<String>) -> Option<String> {
    match lines.recv_timeout(PATIENCE) {
        Ok(line) => Some(line),
        Err(mpsc::RecvTimeoutError::Disconnected) => None,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("no line in {PATIENCE:?}"),
    }
}

/// A connection whose reads and writes have a deadline.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// R2.
pub(crate) fn request(name: &[u8]) -> Vec<u8> {
    let len = u16::try_from(name.len()).unwrap().to_be_bytes();
    [b"\x49\x7E\x01", &len[..], name].concat()
}

/// R3, for a file.
pub(crate) fn response(content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
    [b"\x49\x7E\x02\x01", &len[..], content].concat()
}

/// Writes `bytes`, keeps the sending side open, and returns all that comes before the server
/// closes.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(address);
    stream.write_all(bytes).unwrap();
    read_all(&mut stream).unwrap()
}

pub(crate) fn fetch(address: SocketAddr, name: &str) -> Vec<u8> {
    exchange(address, &request(name.as_bytes()))
}

/// All until the server closes; an error is a reset or a deadline.
pub(crate) fn read_all(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map(|_| answer)
}

/// Bytes without a short period.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at >> 12) as u8).collect()
}
