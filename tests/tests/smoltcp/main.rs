//! The client on smoltcp against a scripted server: all sizes, windows, endings and losses, on a
//! virtual clock. No test waits, and each run repeats the last one exactly. Only `gateway` has a
//! real server, and real time.

mod client;
mod endings;
mod fixture;
mod gateway;
mod golden;
mod losses;
mod sizes;
