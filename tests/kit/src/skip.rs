//! A test that needs what a machine may refuse: it says so, and fails where nothing may be refused.

use std::io::Write;

/// Says why `what` was not tried.
///
/// # Panics
///
/// If `CI` is `true`: there everything must be tried.
pub fn skip(what: &str, reason: &str) {
    let reason = reason.trim_end();
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "not tried: {reason}");
    // Not `eprintln`: the harness keeps what that says if a test passes.
    writeln!(std::io::stderr(), "SKIPPED, {what} was not tried: {reason}").ok();
}
