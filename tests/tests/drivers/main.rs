//! One `Download`, four ways to drive it: over std, tokio, embedded-io and embedded-io-async.
//! Whatever the peer does, all four see the same.

mod adapters;
mod answers;
mod four_drivers;
mod memory_connection;
mod sinks;

/// The filename that every driver requests.
const NAME: &str = "h.txt";
