//! The built program `fetchlet serve` against peers that write raw bytes. Every wait has a
//! deadline.

mod harness;
mod limits;
mod log;
mod program;
mod stop;
mod terminal;
mod timers;
mod traps;
mod unread;
mod wire;
