//! What the programs `simulated` and `linux_tap` share: a server with a generated file, the
//! checksums that both sides of a download are compared by, the values of command-line options, the
//! look-up of a server's name, and the text of errors.

mod demo_server;
mod digests;
mod error_chain;
pub mod option_value;
mod resolver;

pub use demo_server::DemoServer;
pub use digests::{Digests, Hex};
pub use error_chain::error_chain;
pub use resolver::resolve;
