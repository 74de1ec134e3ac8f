//! What goes wrong around a transfer: the network, the disk, the machine, the user's patience. Each
//! fault is put where it hurts, at every place there is, and what is left afterwards is exact.
//!
//! `python3` is needed. Where `strace` or user namespaces are missing, some of them say so and try
//! nothing, and fail if `CI` is `true`.

mod bytes;
mod descriptors;
mod disk;
mod files;
mod flips;
mod interrupt;
mod kill;
mod race;
mod sendfile;
mod stop;

use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Tries all cases, `most` at a time: they wait more than they work. After one that fails, none is
/// begun.
fn at_once<T: Sync>(most: usize, cases: &[T], attempt: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let attempt = |case| {
        panic::catch_unwind(AssertUnwindSafe(|| attempt(case))).unwrap_or_else(|failure| {
            next.store(cases.len(), Ordering::Relaxed);
            panic::resume_unwind(failure);
        });
    };
    thread::scope(|scope| {
        for _ in 0..most.min(cases.len()) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    attempt(case);
                }
            });
        }
    });
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The exit code, and what stderr must hold.
#[track_caller]
fn assert_ended(output: &Output, code: i32, said: &str, what: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{what}: {stderr}");
    assert!(stderr.contains(said), "{what}: {said:?} is not in {stderr:?}");
}
