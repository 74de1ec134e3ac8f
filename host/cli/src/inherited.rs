//! What the program that started this one has left to it: closed descriptors and ignored signals.
#![expect(unsafe_code, reason = "no safe interface tells: the standard library hides both")]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether stdout was closed when the program began.
static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The C runtime calls each function of this section before `main`. That is before Rust's runtime,
/// which opens `/dev/null` in the place of a closed stdout, which then can't be told from a stdout
/// that leads there.
// SAFETY: the section holds addresses of such functions, and nothing else.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK_AT_STDOUT: extern "C" fn() = look_at_stdout;

/// Makes one system call and one atomic store: all else of Rust's is not there yet.
extern "C" fn look_at_stdout() {
    // SAFETY: F_GETFD takes no pointer, and changes nothing.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    STDOUT_WAS_CLOSED.store(flags == -1, Ordering::Relaxed);
}

/// Whether the program was started without stdout.
pub(crate) fn stdout_was_closed() -> bool {
    STDOUT_WAS_CLOSED.load(Ordering::Relaxed)
}

/// Whether a signal is ignored, as after `nohup`. A number that is no signal's is not.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with no new action the call only writes the present one to where `action` is.
    let asked = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: a call that succeeds has written it.
    asked == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}
