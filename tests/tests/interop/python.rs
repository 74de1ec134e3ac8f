//! The Python scripts, as processes.

use std::path::Path;
use std::process::{Command, Stdio};

use fetchlet_test_kit::ChildProcess;

/// The folder of the Python scripts.
const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");

pub(crate) fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg("-B").arg(Path::new(PEERS).join(script));
    command
}

/// Returns a name as the scripts want it, which may be one that is no argument.
pub(crate) fn hex(name: &[u8]) -> String {
    name.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A program whose first line on stdout ends with the port that it listens on.
pub(crate) struct Listening {
    _running: ChildProcess,
    line: String,
}

impl Listening {
    pub(crate) fn start(command: &mut Command) -> Self {
        // The script reads its stdin and ends with it, also when this process is killed.
        let (running, line) = ChildProcess::announced(command.stdin(Stdio::piped())).unwrap();
        Self { _running: running, line }
    }

    /// Returns the first line.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Returns the number at the end of the first line.
    pub(crate) fn port(&self) -> u16 {
        let digits = self.line.trim_end().rsplit(|c: char| !c.is_ascii_digit()).next();
        digits.unwrap().parse().unwrap_or_else(|_| panic!("no port in {:?}", self.line))
    }
}
