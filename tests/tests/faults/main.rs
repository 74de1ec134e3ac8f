//! Faults around a transfer: of the network, of the disk, of the machine, and interrupts by the
//! user. Each fault is tried at every place where it can occur, and each test states exactly what
//! is left afterwards.
//!
//! These tests need `python3`. Where `strace` or user namespaces are missing, the tests that need
//! them report that they are skipped; with `CI=true` they fail.

mod bytes;
mod close;
mod descriptors;
mod disk;
mod files;
mod flips;
mod free_space;
mod hung;
mod interrupt;
mod kill;
mod lease;
mod length;
mod race;
mod rename;
mod replace;
mod sendfile;
mod stop;
mod streams;

use std::panic::{self, AssertUnwindSafe};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Calls `attempt` for each case, at most `max_parallel` at a time: a case waits longer than it
/// computes. After a failure no further case is started.
fn at_once<T: Sync>(max_parallel: usize, cases: &[T], attempt: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let attempt = |case| {
        panic::catch_unwind(AssertUnwindSafe(|| attempt(case))).unwrap_or_else(|failure| {
            next.store(cases.len(), Ordering::Relaxed);
            panic::resume_unwind(failure);
        });
    };
    thread::scope(|scope| {
        for _ in 0..max_parallel.min(cases.len()) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    attempt(case);
                }
            });
        }
    });
}

/// Asserts the exit code, and that stderr contains `said`.
#[track_caller]
fn assert_ended(output: &Output, code: i32, said: &str, what: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{what}: {stderr}");
    assert!(stderr.contains(said), "{what}: {said:?} is not in {stderr:?}");
}
