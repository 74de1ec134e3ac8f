//! The signals that stop `serve`: SIGINT and SIGTERM.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit_code::ExitCode;

/// Waits for the signals that stop the program.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// A signal that came.
pub(super) struct Received {
    pub(super) name: &'static str,
    /// The exit code if the program stops at once.
    pub(super) code: ExitCode,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> Received {
        let (name, code) = tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", ExitCode::Interrupted),
            _ = self.terminate.recv() => ("SIGTERM", ExitCode::Terminated),
        };
        Received { name, code }
    }
}
