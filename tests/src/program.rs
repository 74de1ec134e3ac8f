//! The programs as they are built, and `fetchlet serve` while it runs.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::process::find;

/// How long a line of the log may be in coming.
const PATIENCE: Duration = Duration::from_secs(20);

/// One of the programs, which `cargo test --workspace` builds beside the tests.
///
/// # Panics
///
/// If it is not there.
pub fn built(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|error| panic!("{error}"))
}

/// The program `fetchlet`, with no option from the environment.
pub fn fetchlet() -> Command {
    without_options(Command::new(built("fetchlet")))
}

/// Takes the options of `fetchlet` out of the environment.
pub fn without_options(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"FETCHLET_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// A running `fetchlet serve` and its log; killed when dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    addr: SocketAddr,
    log: Receiver<String>,
    _stdout: BufReader<ChildStdout>,
}

impl Serving {
    /// Serves `root` on a free port.
    pub fn start(root: &Path, options: &[&str]) -> Self {
        let mut serve = fetchlet();
        serve.args(["serve", "--root"]).arg(root).args(options).arg("0");
        Self::run(serve)
    }

    /// Runs a command that becomes the program.
    ///
    /// # Panics
    ///
    /// If it does not start, or does not say where it listens.
    pub fn run(mut serve: Command) -> Self {
        let spawned = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{serve:?}: {error}"));
        let log = lines(child.stderr.take().expect("it is piped"));
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line of text");
        let addr = line.trim_end().strip_prefix("listening on ").and_then(|it| it.parse().ok());
        let addr = addr.unwrap_or_else(|| panic!("{line:?}, {:?}", log.iter().collect::<Vec<_>>()));
        Self { child, addr, log, _stdout: stdout }
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The program's process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it still runs");
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
        (self.child.wait().expect("it is a child"), rest)
    }

    fn line(&self) -> Option<String> {
        match self.log.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line, and no end, in {PATIENCE:?}"),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Lines as they come, so that a full pipe never stops the program.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
