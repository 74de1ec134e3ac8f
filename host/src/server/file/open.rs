//! From a name to an open file, without holding up other tasks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::{self, Instant};

use super::bulkheads::Bulkheads;
use super::current_root::CurrentRoot;
use super::error::LookupError;
use super::file_system::is_local;
use super::open_file::OpenFile;
use super::remote::{self, Remote, RemoteFile};
use super::root::Root;

/// The first pause before a file that is busy is opened again. A lease is given up within
/// milliseconds by a program that is awake.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause, which doubling reaches after four. A peer notices no more than that.
const MAX_PAUSE: Duration = Duration::from_millis(100);

/// What a name has led to.
#[derive(Debug)]
pub(in crate::server) enum Opened {
    /// A file that waits for nobody but the disk.
    Local(OpenFile),
    /// A file of a file system that may hang.
    Remote(Box<RemoteFile>),
    /// All that is in a file of such a file system.
    Content(Vec<u8>),
}

/// Opens the file of that name below the folder of now: here if that needs neither the disk nor
/// another file system, else on a thread. Takes at most `timeout`.
///
/// # Errors
///
/// [`LookupError`] if the name leads to no file that may be served.
pub(in crate::server) async fn open(
    root: &CurrentRoot,
    bulkheads: &Bulkheads,
    name: Arc<str>,
    timeout: Duration,
) -> Result<Opened, LookupError> {
    match root.with(|root| root.open_cached(&name)) {
        Some(Ok(file)) => Ok(Opened::Local(file)),
        Some(Err(error @ (LookupError::NotFound(_) | LookupError::Fault(_)))) => Err(error),
        // Boxed: an exchange that need not wait shall not hold the memory of this future.
        Some(Err(LookupError::Busy)) | None => {
            Box::pin(open_on_a_thread(&root.get(), bulkheads, name, timeout)).await
        }
    }
}

/// Waits for whoever makes the file busy, without a thread.
async fn open_on_a_thread(
    root: &Arc<Root>,
    bulkheads: &Bulkheads,
    name: Arc<str>,
    timeout: Duration,
) -> Result<Opened, LookupError> {
    let deadline = Instant::now().checked_add(timeout);
    let mut pause = FIRST_PAUSE;
    loop {
        match try_open(root, bulkheads, &name, deadline).await {
            Err(LookupError::Busy) => {}
            opened => return opened,
        }
        time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(MAX_PAUSE);
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let reason = "another program has a lease on the file, and does not give it up";
            return Err(LookupError::Fault(io::Error::other(reason)));
        }
    }
}

async fn try_open(
    root: &Arc<Root>,
    bulkheads: &Bulkheads,
    name: &Arc<str>,
    deadline: Option<Instant>,
) -> Result<Opened, LookupError> {
    if root.is_local() {
        let (root, its_name) = (Arc::clone(root), Arc::clone(name));
        let opening = move || root.open_local(&its_name);
        if let Some(opened) = bulkheads.disk.run(name, deadline, opening).await? {
            return opened.map(Opened::Local);
        }
    }
    let (root, its_name) = (Arc::clone(root), Arc::clone(name));
    let bulkhead = Arc::clone(&bulkheads.remote);
    let opening = move || {
        let fd = root.open_anywhere(&its_name)?;
        if is_local(&fd) {
            return OpenFile::new(Ok::<_, Errno>(fd)).map(Opened::Local);
        }
        remote::examine(fd, its_name, bulkhead).map(|examined| match examined {
            Remote::File(file) => Opened::Remote(Box::new(file)),
            Remote::Content(content) => Opened::Content(content),
        })
    };
    bulkheads.remote.run(name, deadline, opening).await?
}
