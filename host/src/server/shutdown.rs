//! The signal to stop, and how tasks end after it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

/// Makes the two ends of a signal: one requests the shutdown, the other waits for the request.
pub(super) fn channel() -> (ShutdownTrigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownTrigger(sender), Shutdown(receiver))
}

/// Requests the shutdown when told to, and when dropped.
#[derive(Debug)]
pub(super) struct ShutdownTrigger(watch::Sender<bool>);

impl ShutdownTrigger {
    pub(super) fn request(&self) {
        self.0.send_replace(true);
    }
}

/// Tells that the shutdown was requested. Clones tell the same.
#[derive(Clone, Debug)]
pub(super) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Waits until the shutdown is requested.
    pub(super) async fn requested(&mut self) {
        // An error means that the trigger was dropped, which requests the shutdown as well.
        self.0.wait_for(|requested| *requested).await.ok();
    }
}

/// Waits until all `tasks` have ended, at most for `grace`; then aborts those that are left.
pub(super) async fn drain(tasks: &mut JoinSet<()>, grace: Duration) {
    let ended = async { while tasks.join_next().await.is_some() {} };
    if time::timeout(grace, ended).await.is_err() {
        tasks.shutdown().await;
    }
}
