//! The folder that is served now: another one may take its place while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::root::Root;

/// The place of the served folder. A request goes on with the file that it has opened there.
#[derive(Debug)]
pub(in crate::server) struct CurrentRoot(ArcSwap<Root>);

impl CurrentRoot {
    pub(in crate::server) fn new(root: Root) -> Self {
        Self(ArcSwap::from_pointee(root))
    }

    /// Returns the folder of now.
    pub(in crate::server) fn get(&self) -> Arc<Root> {
        self.0.load_full()
    }

    /// Gives the folder of now to `call`, which does not wait. Faster than [`get`](Self::get),
    /// which writes to memory that the requests on all cores write to.
    pub(super) fn with<T>(&self, call: impl FnOnce(&Root) -> T) -> T {
        call(&self.0.load())
    }

    /// Puts another folder in the place. The one before is closed with its last user.
    pub(in crate::server) fn replace(&self, root: Root) {
        self.0.store(Arc::new(root));
    }
}
