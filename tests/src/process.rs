//! Programs as processes: where they are built, and `fetchlet serve` on a port of its own.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rustix::process::Pid;

use crate::Usage;

/// One of the programs that cargo builds beside this one, be it a program or a test.
///
/// # Errors
///
/// If it is not there: it was not built, or with another profile.
pub fn find(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // Tests are one folder deeper than programs.
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    beside.into_iter().find(|program| program.is_file()).ok_or_else(|| {
        let hint = "not built: `cargo build --workspace`, with this program's profile, builds it";
        io::Error::new(io::ErrorKind::NotFound, format!("{name} is {hint}"))
    })
}

/// A child that ends when this is dropped.
#[derive(Debug)]
pub struct Killed(Child);

impl Killed {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// The system's, with the program's name.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let spawned = command.stdin(Stdio::null()).spawn();
        spawned.map(Self).map_err(|error| {
            let program = command.get_program().display();
            io::Error::new(error.kind(), format!("{program}: {error}"))
        })
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// The child itself.
    pub const fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // Neither fails but for a child that has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// `fetchlet serve` as it was built, on a port of its own.
#[derive(Debug)]
pub struct Program {
    process: Killed,
    address: SocketAddr,
    lines: Arc<AtomicU64>,
}

impl Program {
    /// Serves `root` to this machine, with these options.
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
        let mut command = Command::new(find("fetchlet")?);
        command.env_clear().args(["serve", "0", "--bind", &bind.to_string(), "--root"]);
        command.arg(root).args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Killed::spawn(&mut command)?;
        let (stdout, stderr) = (process.0.stdout.take(), process.0.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(io::Error::other("no pipes"));
        };
        let lines = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&lines);
        // The log must be read: a full pipe would stop the server.
        thread::spawn(move || {
            for _ in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on ").and_then(|it| it.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("it says {line:?}")))?;
        Ok(Self { process, address, lines })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many lines it has logged.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    /// What it takes now.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(&[self.process.pid()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_built_is_an_error_that_says_so() {
        let said = find("nothing-of-this-name").unwrap_err().to_string();
        assert!(said.contains("nothing-of-this-name is not built"), "{said}");
    }
}
