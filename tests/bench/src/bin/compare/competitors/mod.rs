//! Starts the servers under comparison, asks them, and reads what they use.

mod naive;
pub(crate) mod raw;
mod server;
mod start;
pub(crate) mod tftp;

pub(crate) use server::{Competitor, CompetitorServer};
pub(crate) use start::{start, start_one};
