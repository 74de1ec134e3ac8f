//! Defines the result of whatever may fail here: every error ends a measure and is printed.

use std::error::Error;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
