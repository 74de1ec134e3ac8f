//! Signals end the program in order: the temporary folder and the socket are removed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use procfs::process::Process;
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
    /// Catches SIGHUP, SIGINT and SIGTERM; a second signal ends the program at once. A signal that
    /// the program was started to ignore, as by `nohup`, stays ignored.
    pub(crate) fn install() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let ignored = ignored();
        let is_heeded = |signal: &i32| ignored >> (signal - 1) & 1 == 0;
        for signal in [SIGHUP, SIGINT, SIGTERM].into_iter().filter(is_heeded) {
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

/// The signals that this process ignores, as `SigIgn` of proc(5) has them: bit 0 is signal 1. None
/// where `/proc` can't be read.
fn ignored() -> u64 {
    let status = Process::myself().and_then(|myself| myself.status());
    status.map_or(0, |status| status.sigign)
}
