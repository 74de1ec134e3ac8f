//! The reason why there is no file, and the exit code for it.

use std::fmt;
use std::process::ExitCode;

use fetchlet::StagingError;
use fetchlet_embedded_example::error_chain;

/// The reason why there is no file, as one line for the user.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The download was tried and failed.
    Failed(String),
    /// This machine does not allow the attempt; the text says what is in the way and what to do.
    Unavailable(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            // EX_UNAVAILABLE of sysexits.h.
            Self::Unavailable(_) => ExitCode::from(69),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(text) | Self::Unavailable(text)) = self;
        f.write_str(text)
    }
}

impl From<StagingError> for Failure {
    fn from(error: StagingError) -> Self {
        Self::Failed(error_chain(&error))
    }
}
