//! Skipping of tests that need what a machine may refuse: never silent, and never in CI.

use std::io::Write;

/// Writes to stderr that `what` was skipped, and why.
///
/// # Panics
///
/// If the environment variable `CI` is `true`: there every test must run.
pub fn skip(what: &str, reason: &str) {
    let reason = reason.trim_end();
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "not tried: {reason}");
    // `eprintln!` would be captured by the test harness, which drops the output of a test that
    // passes.
    writeln!(std::io::stderr(), "SKIPPED, {what} was not tried: {reason}").ok();
}
