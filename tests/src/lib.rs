//! What the tests across crates share: a running server, as library and as program, a scripted peer, a
//! proxy that breaks connections, ways to cut bytes into pieces, names that must not lead anywhere, and
//! a deadline for each test.
//!
//! Everything listens on port 0, and waits for what it needs instead of sleeping.

mod chaos;
mod deadline;
mod guard;
mod left;
mod names;
mod nginx;
mod peer;
mod pieces;
mod programs;
mod running;
mod server;
mod serving;
mod skip;
mod table;
pub mod usage;

pub use fetchlet_invariants::cut;

pub use chaos::{Chaos, Fault, Lane, Mishap};
pub use deadline::{LIMIT, until, within};
pub use guard::{Folder, watch};
pub use left::{assert_nothing_is_left, processes_of};
pub use names::{Hostile, Served};
pub use nginx::Nginx;
pub use peer::{Ending, ScriptedPeer, exchange, request};
pub use pieces::{Cutting, Noise, cuttings};
pub use programs::{bare, built, fetchlet, installed};
pub use running::{Ended, PATIENCE, Running, readable, time};
pub use server::RunningServer;
pub use serving::Serving;
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
