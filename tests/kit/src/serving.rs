//! `fetchlet serve` while it runs, as it was built: where it listens, what it logs, what it takes.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal};

use crate::programs::{bare, built};
use crate::running::{PATIENCE, Running};
use crate::usage::Usage;

/// The program and its log; killed when dropped.
#[derive(Debug)]
pub struct Serving {
    running: Running,
    addr: SocketAddr,
    log: Mutex<Receiver<String>>,
    lines: Arc<AtomicU64>,
}

impl Serving {
    /// Serves `root` to this machine on a free port.
    ///
    /// # Errors
    ///
    /// If it is not built, or does not say where it listens.
    pub fn start(root: &Path, options: &[&str]) -> io::Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST, root, options)
    }

    /// The same at an address of this machine's, or of the thread's own network.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn at(bind: Ipv4Addr, root: &Path, options: &[&str]) -> io::Result<Self> {
        let mut serve = bare(built("fetchlet")?);
        serve.args(["serve", "0", "--bind", &bind.to_string(), "--root"]).arg(root).args(options);
        Self::run(serve)
    }

    /// Runs a command that becomes the program.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn run(mut serve: Command) -> io::Result<Self> {
        let (mut running, line) = Running::announced(serve.stderr(Stdio::piped()))?;
        let addr = line.trim_end().strip_prefix("listening on ").and_then(|it| it.parse().ok());
        let addr = addr.ok_or_else(|| io::Error::other(format!("it says {line:?}")))?;
        let lines = Arc::default();
        let log = Mutex::new(read(running.stderr()?, Arc::clone(&lines)));
        Ok(Self { running, addr, log, lines })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The program's process.
    pub fn pid(&self) -> Pid {
        self.running.pid()
    }

    /// What it takes now.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(&[self.pid()])
    }

    /// How many lines it has logged.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn signal(&self, signal: Signal) {
        self.running.signal(signal).expect("it still runs");
    }

    /// The next line of its log that holds `text`.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn logged(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.line() {
                Some(line) if line.contains(text) => return line,
                Some(line) => seen.push(line),
                None => panic!("no line with {text:?} in {seen:#?}"),
            }
        }
    }

    /// Waits for its end: how it ended, and the rest of its log.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let rest = std::iter::from_fn(|| self.line()).collect();
        let status = self.running.wait(PATIENCE).expect("it is a child");
        (status.expect("it ends when its log does"), rest)
    }

    fn line(&self) -> Option<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        match log.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line, and no end, in {PATIENCE:?}"),
        }
    }
}

/// Lines as they come, and their count, so that a full pipe never stops the program.
fn read(stream: impl Read + Send + 'static, count: Arc<AtomicU64>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            count.fetch_add(1, Ordering::Relaxed);
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}
