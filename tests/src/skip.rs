//! A test that needs what a machine may refuse: it says so, and fails where nothing may be refused.

use std::io::Write;

/// Says why `what` was not tried.
///
/// # Panics
///
/// If `CI` is `true`: there everything must be tried.
#[expect(
    clippy::explicit_write,
    reason = "the harness keeps what `eprintln` says if a test passes"
)]
pub fn skip(what: &str, reason: &str) {
    let reason = reason.trim_end();
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "not tried: {reason}");
    // A closed stderr is no reason to fail.
    writeln!(std::io::stderr(), "SKIPPED, {what} was not tried: {reason}").ok();
}
