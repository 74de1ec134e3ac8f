//! `fetchlet get` as built: exit codes, streams, and what is on disk after each failure.

mod checksum;
mod endings;
mod harness;
mod signals;
mod streams;
mod target;
mod terminal;
mod usage;
