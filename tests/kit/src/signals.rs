//! Signals that the tests were started to ignore, as `nohup`, a shell's `&` and some service
//! managers do: each child would ignore them as well, and a test that sends it one would wait in
//! vain.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once, OnceLock};

use procfs::process::Process;
use rustix::process::Signal;
use signal_hook::consts::FORBIDDEN;
use signal_hook::flag;

/// The number of the last signal that is not a real-time signal (signal(7)).
const LAST: i32 = 31;

/// Lets the programs that this process starts from now on begin with the default action of each
/// signal. This process itself goes on ignoring what it was started to ignore.
///
/// A signal that is ignored stays so in a new program, one that is handled does not (execve(2)): so
/// the ignored ones get a handler, which does nothing.
///
/// # Panics
///
/// If the system refuses a handler.
pub fn default_signals_for_children() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        for signal in (1..=LAST).filter(|signal| is_ignored(*signal)) {
            let handled = flag::register(signal, Arc::new(AtomicBool::new(false)));
            handled.unwrap_or_else(|error| panic!("signal {signal}: {error}"));
        }
    });
}

/// Whether this process was started to ignore the signal, as far as that can be changed. SIGPIPE is
/// none of these: std ignores it in each program, and gives children the default.
pub(crate) fn is_ignored(signal: i32) -> bool {
    static AT_START: OnceLock<u64> = OnceLock::new();
    let at_start = *AT_START.get_or_init(|| {
        let status = Process::myself().and_then(|myself| myself.status());
        status.map_or(0, |status| status.sigign)
    });
    let fixed = signal == Signal::PIPE.as_raw() || FORBIDDEN.contains(&signal);
    !fixed && at_start >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{LIMIT, within};

    /// What a child of this process ignores of the signals up to [`LAST`]; glibc keeps the next two
    /// for itself.
    fn ignored_by_a_child() -> u64 {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let status = Process::new(pid).and_then(|process| process.status()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        status.sigign & ((1 << LAST) - 1)
    }

    #[test]
    fn a_child_ignores_nothing_though_its_parent_was_started_to() {
        within(LIMIT, || {
            let own = std::env::current_exe().unwrap();
            let script = "trap '' HUP INT QUIT TERM USR1; exec \"$0\" --exact \
                signals::tests::the_same_in_a_process_that_ignores --include-ignored";
            let mut shell = Command::new("sh");
            let output = shell.args(["-c", script]).arg(own).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        });
    }

    #[test]
    #[ignore = "the test above runs it"]
    fn the_same_in_a_process_that_ignores() {
        assert!([1, 2, 3, 10, 15].into_iter().all(is_ignored));
        default_signals_for_children();
        assert_eq!(ignored_by_a_child(), 0);
    }
}
