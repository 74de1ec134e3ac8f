//! The folder that is served now: another one may take its place while the server runs.

use std::mem;
use std::sync::{Arc, PoisonError, RwLock};

use super::root::Root;

/// The place of the served folder. A request takes the folder once, and goes on with that one.
#[derive(Debug)]
pub(in crate::server) struct CurrentRoot(RwLock<Arc<Root>>);

impl CurrentRoot {
    pub(in crate::server) fn new(root: Root) -> Self {
        Self(RwLock::new(Arc::new(root)))
    }

    /// Returns the folder of now. The lock is held for the moment of counting one more user, and
    /// for that of a replacement.
    pub(in crate::server) fn get(&self) -> Arc<Root> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another folder in the place. The one before is closed with its last user.
    pub(in crate::server) fn replace(&self, root: Root) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = mem::replace(&mut *current, Arc::new(root));
        // The last user of a file system that is unmounted waits for it: not with the lock.
        drop(current);
        drop(before);
    }
}
