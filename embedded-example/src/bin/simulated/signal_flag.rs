//! Signals end the program in order: the temporary folder and the socket are removed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use smoltcp::time::Duration;

/// The longest sleep. A signal that arrives just before a sleep is seen only after it: half a
/// second is the longest that a user waits.
pub(crate) const MAX_SLEEP: Duration = Duration::from_millis(500);

/// Whether a signal has asked for the end.
#[derive(Clone)]
pub(crate) struct SignalFlag(Arc<AtomicBool>);

impl SignalFlag {
    /// Catches SIGHUP, SIGINT and SIGTERM; a second signal ends the program at once.
    pub(crate) fn install() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&asked))?;
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    /// Fails if a signal has asked for the end.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.0.load(Ordering::Relaxed) { Err("interrupted".into()) } else { Ok(()) }
    }
}
