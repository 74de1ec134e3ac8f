//! From a name to an open file, without holding up other tasks.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::error::LookupError;
use super::open_file::OpenFile;
use super::root::Root;

/// Opens the file of that name below `root`: here if that needs no disk, else on the blocking pool.
///
/// # Errors
///
/// [`LookupError`] if the name leads to no file that may be served.
pub(in crate::server) async fn open(
    root: &Arc<Root>,
    name: Arc<str>,
) -> Result<OpenFile, LookupError> {
    if let Some(opened) = root.open_cached(&name) {
        return opened;
    }
    let root = Arc::clone(root);
    let opening = spawn_blocking(move || root.open_file(&name));
    opening.await.unwrap_or_else(|panic| Err(LookupError::Fault(panic.into())))
}
