//! The device's client on its TCP stack, against a scripted server: every size, window, ending and
//! loss, on a virtual clock. None of them waits, and each run is the same as the last. Only the
//! gateway has a real server behind it, and real time.

mod client;
mod endings;
mod fixture;
mod gateway;
mod golden;
mod losses;
mod sizes;
