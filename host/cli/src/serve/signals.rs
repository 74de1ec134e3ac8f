//! SIGINT and SIGTERM, as they come.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit_code::ExitCode;

/// The signals that mean stop.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// One that came.
pub(super) struct Received {
    pub(super) name: &'static str,
    /// How the program ends if it stops at once.
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
