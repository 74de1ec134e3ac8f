//! Why `serve` did not start.

use crate::exit_code::ExitCode;

/// An exit code, and the sentence for the user that explains the code.
#[derive(Debug)]
pub(super) struct StartError {
    pub(super) code: ExitCode,
    pub(super) reason: String,
}
