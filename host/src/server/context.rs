//! What all connections share that one [`Server::run`](super::Server::run) serves.

use std::sync::Arc;

use super::config::Config;
use super::file::{Bulkheads, CurrentRoot};
use super::limits::Limits;
use super::shutdown::Shutdown;

/// The served folder, the limits, and the signal to stop.
#[derive(Debug)]
pub(super) struct ServerContext {
    /// All clones of a server serve the same folder.
    pub(super) root: Arc<CurrentRoot>,
    pub(super) config: Config,
    /// All clones of a server share these threads.
    pub(super) bulkheads: Arc<Bulkheads>,
    /// All clones of a server count in the same limits.
    pub(super) limits: Arc<Limits>,
    /// The signal of this run; other runs of the same server have their own.
    pub(super) shutdown: Shutdown,
}
