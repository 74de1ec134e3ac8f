//! The text of an error for the user.

use std::error::Error;
use std::iter;

/// The text of an error and of all its sources: what failed, and why.
pub fn error_chain(error: &dyn Error) -> String {
    let sources = iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
