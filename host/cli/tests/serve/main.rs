//! `fetchlet serve` as built, against peers that write raw bytes. Every wait here has a deadline.

mod harness;
mod limits;
mod log;
mod program;
mod traps;
mod wire;
