//! What the tests across crates share: a running server, as library and as program, a scripted peer, a
//! proxy that breaks connections, ways to cut bytes into pieces, names that must not lead anywhere, and
//! a deadline for each test.
//!
//! Everything listens on port 0, and waits for what it needs instead of sleeping.

mod chaos;
mod deadline;
mod names;
mod nginx;
mod peer;
mod pieces;
mod process;
mod program;
mod server;
mod skip;
mod table;
pub mod usage;

pub use fetchlet_invariants::cut;

pub use chaos::{Chaos, Fault, Lane, Mishap};
pub use deadline::{LIMIT, until, within};
pub use names::{Hostile, Served};
pub use nginx::{Nginx, program};
pub use peer::{Ending, ScriptedPeer, exchange, request};
pub use pieces::{Cutting, Noise, cuttings};
pub use process::{Killed, Program, find};
pub use program::{Serving, built, fetchlet, without_options};
pub use server::RunningServer;
pub use skip::skip;
pub use table::Table;
pub use usage::Usage;

/// The Rust in README.md compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The Rust in the embedded example's page compiles, with embassy-net as well.
#[cfg(doctest)]
#[doc = include_str!("../../embedded-example/README.md")]
struct EmbeddedExample;
