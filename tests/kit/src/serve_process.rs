//! The built program `fetchlet serve` while it runs: its address, its log, its resource usage.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal};

use crate::child_process::{ChildProcess, PATIENCE};
use crate::programs::fetchlet;
use crate::usage::Usage;

/// A running `fetchlet serve` with its stdout and its log, killed when dropped.
#[derive(Debug)]
pub struct ServeProcess {
    process: ChildProcess,
    addr: SocketAddr,
    stdout: LineReader,
    log: LineReader,
}

impl ServeProcess {
    /// Serves `root` on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If the program is not built, or does not say where it listens.
    pub fn start(root: &Path, options: &[&str]) -> io::Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST, root, options)
    }

    /// Serves `root` on a free port of `bind`, an address of this machine or of the thread's
    /// network namespace.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn at(bind: Ipv4Addr, root: &Path, options: &[&str]) -> io::Result<Self> {
        let mut serve = Self::command(root);
        serve.args(["0", "--bind", &bind.to_string()]).args(options);
        Self::run(serve)
    }

    /// Returns the command `fetchlet serve --root ROOT` with no port yet, and with an empty
    /// environment.
    ///
    /// # Panics
    ///
    /// If the program is not built.
    pub fn command(root: &Path) -> Command {
        let mut serve = fetchlet();
        serve.args(["serve", "--root"]).arg(root);
        serve
    }

    /// Runs a command that becomes `fetchlet serve`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn run(mut serve: Command) -> io::Result<Self> {
        serve.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = ChildProcess::start(&mut serve)?;
        let [stdout, log] =
            [LineReader::read(process.stdout()?), LineReader::read(process.stderr()?)];
        let Some(line) = stdout.next() else {
            let log = log.rest();
            return Err(io::Error::other(format!("it does not say where it listens: {log:?}")));
        };
        let addr = listening(&line)?;
        Ok(Self { process, addr, stdout, log })
    }

    /// Returns the address in the first line of stdout.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the address in the next line of stdout, for a server with more than one listener.
    ///
    /// # Panics
    ///
    /// If no such line comes within [`PATIENCE`].
    pub fn next_addr(&self) -> SocketAddr {
        let line = self.stdout_line().expect("a line on stdout");
        listening(&line).expect("an address")
    }

    /// Returns the next line of stdout, or `None` at its end.
    ///
    /// # Panics
    ///
    /// If neither comes within [`PATIENCE`].
    pub fn stdout_line(&self) -> Option<String> {
        self.stdout.next()
    }

    /// Returns the process id.
    pub fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// Returns the resources that the process holds now.
    ///
    /// # Errors
    ///
    /// If the process has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(&[self.pid()])
    }

    /// Returns the number of lines in the log so far.
    pub fn lines(&self) -> u64 {
        self.log.count.load(Ordering::Relaxed)
    }

    /// Sends a signal to the process.
    ///
    /// # Panics
    ///
    /// If the process has ended.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal).expect("a running process");
    }

    /// Returns the next line of the log that contains `text`.
    ///
    /// # Panics
    ///
    /// If no such line comes before the log ends, or no line at all within [`PATIENCE`].
    pub fn logged(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.log.next() {
                Some(line) if line.contains(text) => return line,
                Some(line) => seen.push(line),
                None => panic!("no line with {text:?} in {seen:#?}"),
            }
        }
    }

    /// Waits for the end of the process; returns the exit status and the rest of the log.
    ///
    /// # Panics
    ///
    /// If the process does not end within [`PATIENCE`].
    pub fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let rest = self.log.rest();
        let status = self.process.wait(PATIENCE).expect("a child process");
        (status.expect("an end soon after the end of the log"), rest)
    }
}

fn listening(line: &str) -> io::Result<SocketAddr> {
    let addr = line.strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
    addr.ok_or_else(|| io::Error::other(format!("no address in {line:?}")))
}

/// The lines of a stream, read in a thread, so that a full pipe never stops the writer.
#[derive(Debug)]
struct LineReader {
    receiver: Mutex<Receiver<String>>,
    count: Arc<AtomicU64>,
}

impl LineReader {
    fn read(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let count = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&count);
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                counter.fetch_add(1, Ordering::Relaxed);
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        Self { receiver: Mutex::new(receiver), count }
    }

    /// Returns the next line, or `None` at the end of the stream.
    fn next(&self) -> Option<String> {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        match receiver.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line, and no end, in {PATIENCE:?}"),
        }
    }

    /// Returns all lines until the end of the stream.
    fn rest(&self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }
}
