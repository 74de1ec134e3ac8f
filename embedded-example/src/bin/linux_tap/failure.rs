//! Why there was no file, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use fetchlet::StagingError;

/// What is told to the user, in one line.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was tried, and failed.
    Failed(String),
    /// This machine does not let it be tried; says what is in the way, and what to do.
    Unavailable(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            // EX_UNAVAILABLE
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
        Self::Failed(chain(&error))
    }
}

/// The text of an error with all its sources: what failed, and why.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
