//! `fetchlet get`: downloads a file, and tells the result in one line.

mod args;
mod attempt;
mod run;
mod target;

pub(crate) use args::Args;
pub(crate) use run::run;
