//! The signals that stop `serve`: SIGINT and SIGTERM, and SIGHUP where it does not reload.

use std::future::pending;
use std::io;

use libc::{SIGHUP, SIGINT, SIGTERM};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit_code::ExitCode;
use crate::inherited::is_ignored;

/// Waits for the signals that stop the program.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None`: SIGHUP reloads, is ignored, or has come already. A terminal that is closed sends it
    /// twice, by its shell and by the kernel, and the second one must not cut the transfers.
    hangup: Option<Signal>,
}

/// A signal that came.
pub(super) struct Received {
    pub(super) name: &'static str,
    /// The exit code if the program stops at once.
    pub(super) code: ExitCode,
}

impl Signals {
    /// Takes over the signals. SIGHUP only if `hangup_stops` and the program was not started to
    /// ignore it (`nohup`).
    pub(super) fn new(hangup_stops: bool) -> io::Result<Self> {
        let takes_hangup = hangup_stops && !is_ignored(SIGHUP);
        let hangup = if takes_hangup { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self {
            hangup,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Returns the numbers of the signals that stop the program.
    pub(super) fn numbers(&self) -> Vec<i32> {
        [SIGINT, SIGTERM].into_iter().chain(self.hangup.as_ref().map(|_| SIGHUP)).collect()
    }

    pub(super) async fn next(&mut self) -> Received {
        let (name, code) = tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", ExitCode::Interrupted),
            _ = self.terminate.recv() => ("SIGTERM", ExitCode::Terminated),
            () = next(&mut self.hangup) => ("SIGHUP", ExitCode::HungUp),
        };
        if code == ExitCode::HungUp {
            self.hangup = None;
        }
        Received { name, code }
    }
}

/// Waits for a signal, for ever if there is none to wait for.
pub(super) async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}
