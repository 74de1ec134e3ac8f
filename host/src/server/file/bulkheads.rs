//! The bulkheads of a server: one for its own disk, and one for whatever else is mounted.

use std::sync::Arc;

use super::bulkhead::Bulkhead;
use crate::server::config::Config;

/// How many threads may open files on the disk at once: twice as many as one folder may, so that a
/// folder whose disk is slow leaves as many to all others.
pub(in crate::server) const MAX_DISK_THREADS: usize = 16;

/// How many threads may hang in file systems that do not answer: those of four folders.
pub(in crate::server) const MAX_HUNG_THREADS: usize = 32;

/// Bulkheads, which all runs of a server share.
#[derive(Debug)]
pub(in crate::server) struct Bulkheads {
    /// For the file system of the root, where an open waits for the disk.
    pub(super) disk: Arc<Bulkhead>,
    /// For all other file systems, and for the root's if it is not a local one.
    pub(super) remote: Arc<Bulkhead>,
}

impl Bulkheads {
    pub(in crate::server) fn new(config: &Config) -> Self {
        // A request that waits holds a connection and maybe a file: half of these are for others.
        let max_waiting = config.max_connections.min(config.max_files) / 2;
        Self {
            disk: Bulkhead::new(MAX_DISK_THREADS, usize::MAX, config.timeout),
            remote: Bulkhead::new(MAX_HUNG_THREADS, max_waiting, config.timeout),
        }
    }

    /// Logs each call into a file system that has not returned, once.
    pub(in crate::server) fn log_calls_under_way(&self) {
        self.disk.log_calls_under_way();
        self.remote.log_calls_under_way();
    }
}
