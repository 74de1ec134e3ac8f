//! Test harness that the crates of fetchlet share as a dev-dependency: a running server as library
//! and as program, scripted peers, a FETCH server that lies when told to, a proxy that breaks
//! connections, ways to cut bytes into pieces, hostile filenames, resource usage of processes, and
//! deadlines.
//!
//! Every listener binds port 0. No test waits by sleeping: each waits for an event, with a
//! deadline.

mod child_process;
mod cleanup;
mod cuttings;
mod deadline;
mod fault_proxy;
pub mod fetch;
mod files;
mod fuse_mount;
mod hostile_folder;
mod hostile_names;
mod leaks;
mod listener;
pub mod namespace;
mod nginx;
mod programs;
mod run_timed;
mod running_server;
mod rust_files;
mod scripted_peer;
mod serve_process;
mod signals;
mod skip;
mod table;
mod terminal;
pub mod usage;
mod wire;

pub use fastrand::Rng;
pub use fetchlet_invariants::cut;

pub use child_process::{ChildProcess, PATIENCE, readable};
pub use cleanup::{TempFolder, clean_up_on_signals};
pub use cuttings::{Cutting, cuttings};
pub use deadline::{LIMIT, until, within};
pub use fault_proxy::{Direction, Fault, FaultProxy, Injection};
pub use files::{assert_same, bytes_from, entries, on_disk, random_bytes};
pub use fuse_mount::{FuseCall, FuseFile, FuseMount};
pub use hostile_folder::HostileFolder;
pub use hostile_names::HostileName;
pub use leaks::{assert_no_leaks, processes_using};
pub use listener::listener;
pub use nginx::Nginx;
pub use programs::{bare, built, fetchlet, installed, output};
pub use run_timed::{RunResult, run_timed};
pub use running_server::RunningServer;
pub use rust_files::rust_files;
pub use scripted_peer::{Close, ScriptedPeer};
pub use serve_process::ServeProcess;
pub use signals::default_signals_for_children;
pub use skip::skip;
pub use table::Table;
pub use terminal::Terminal;
pub use usage::Usage;
pub use wire::{HELLO, MALFORMED, NOT_FOUND, ask, connect, exchange, read_all, request, response};
