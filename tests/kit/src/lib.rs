//! Test harness that the crates of fetchlet share as a dev-dependency: a running server as library and as
//! program, scripted peers, a proxy that breaks connections, ways to cut bytes into pieces, hostile
//! filenames, resource usage of processes, and deadlines.
//!
//! Every listener binds port 0. No test waits by sleeping: each waits for an event, with a deadline.

mod chaos;
mod deadline;
mod guard;
mod left;
mod names;
pub mod namespace;
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
