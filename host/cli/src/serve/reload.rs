//! The served folder over time: opened anew at SIGHUP, and told when its path leads elsewhere.

use std::path::{self, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io, thread};

use fetchlet::server::{Root, RootError, RootOptions, Server};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, oneshot};
use tokio::time;

use super::args::Args;
use super::notify;
use super::signals;
use super::ticker::Ticker;

/// The time between two looks at where the folder's path leads. Longer than a deployment takes from
/// the new folder to its SIGHUP, so that only one without SIGHUP is told.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Where the served folder is, and how it is opened anew.
#[derive(Clone, Debug)]
struct FolderSource {
    path: PathBuf,
    options: RootOptions,
}

impl FolderSource {
    fn new(args: &Args) -> Self {
        // A relative path would lead from the working folder, which is never opened anew. An error
        // means that this folder is gone already.
        let path = path::absolute(&args.root).unwrap_or_else(|_| args.root.clone());
        Self { path, options: args.root_options() }
    }

    fn open(&self) -> Result<Root, RootError> {
        Root::open(&self.path, self.options)
    }
}

/// Whether SIGHUP reloads. Else it means that the terminal is gone, and stops the server.
fn is_wanted(args: &Args) -> bool {
    // A desktop's terminal passes on the INVOCATION_ID of its own service.
    let is_service = || env::var_os("INVOCATION_ID").is_some() && !has_terminal();
    args.reload || env::var_os("NOTIFY_SOCKET").is_some() || is_service()
}

/// Whether the process has a controlling terminal, whose end is told by SIGHUP: tty(4).
fn has_terminal() -> bool {
    fs::File::open("/dev/tty").is_ok()
}

/// Reloads the folder of a running server, and looks after its path.
pub(super) struct Reloader {
    server: Server,
    source: FolderSource,
    /// `None`: SIGHUP does not reload.
    hangup: Option<Signal>,
    notice: MovedNotice,
    thread: AskingThread,
    looks: Ticker,
}

impl Reloader {
    /// Takes over SIGHUP if it is to reload.
    ///
    /// # Errors
    ///
    /// If the system allows no signal handler or no thread.
    pub(super) fn new(server: Server, args: &Args) -> io::Result<Self> {
        let hangup = if is_wanted(args) { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self {
            server,
            source: FolderSource::new(args),
            hangup,
            notice: MovedNotice::default(),
            thread: AskingThread::new(*args.timeout),
            looks: Ticker::start(LOOK_INTERVAL)?,
        })
    }

    pub(super) const fn takes_hangup(&self) -> bool {
        self.hangup.is_some()
    }

    /// Reloads whenever SIGHUP comes. Never ends.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                () = signals::next(&mut self.hangup) => self.reload().await,
                () = self.looks.tick() => self.look().await,
            }
        }
    }

    /// Opens the folder anew. If that fails, the one from before is served on.
    async fn reload(&mut self) {
        notify::reloading();
        let source = self.source.clone();
        let opened = match self.thread.ask(move || source.open()).await {
            Ok(opened) => opened.map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        let path = &self.source.path;
        match opened {
            Ok(root) => {
                self.server.replace_root(root);
                self.notice = MovedNotice::default();
                tracing::info!("reloaded: requests are answered from {path:?} as it is now");
                notify::send_state("READY=1\nSTATUS=");
            }
            Err(reason) => {
                tracing::warn!("cannot reload, the folder from before is served on: {reason}");
                notify::send_state("READY=1\nSTATUS=The reload failed, see the log");
            }
        }
    }

    /// Tells once if the path leads elsewhere.
    async fn look(&mut self) {
        // While a reload hangs there is nothing to add.
        if self.notice.given || self.thread.hangs() {
            return;
        }
        let (root, path) = (self.server.root(), self.source.path.clone());
        let is_there = self.thread.ask(move || root.is_at(&path)).await;
        if matches!(is_there, Ok(Ok(is_there)) if self.notice.is_due(is_there)) {
            let path = &self.source.path;
            let remedy = if self.hangup.is_some() { "send SIGHUP" } else { "restart the server" };
            tracing::warn!(
                "{path:?} does not lead to the served folder any more: that was removed, renamed or \
                 replaced; to serve what is there now, {remedy}"
            );
        }
    }
}

/// A thread for questions to file systems that may not answer.
struct AskingThread {
    /// How long an answer may take.
    timeout: Duration,
    /// One permit: a file system that hangs holds up one thread, however often it is asked.
    permits: Arc<Semaphore>,
}

impl AskingThread {
    fn new(timeout: Duration) -> Self {
        Self { timeout, permits: Arc::new(Semaphore::new(1)) }
    }

    fn hangs(&self) -> bool {
        self.permits.available_permits() == 0
    }

    /// Calls `question` in a thread of its own. An error is a sentence.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let (sender, answer) = oneshot::channel();
        let asked = async {
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
            let thread = thread::Builder::new().name("folder".into()).spawn(move || {
                // The receiver is gone once the timeout has passed.
                sender.send(question()).ok();
                drop(permit);
            });
            match thread {
                Ok(_) => Some(Ok(answer.await.ok()?)),
                Err(error) => Some(Err(error.to_string())),
            }
        };
        match time::timeout(self.timeout, asked).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err("the thread that opens the folder panicked".into()),
            Err(_) => Err(format!("its file system did not answer within {:?}", self.timeout)),
        }
    }
}

/// Whether it was told that the folder's path leads elsewhere.
#[derive(Debug, Default)]
struct MovedNotice {
    given: bool,
}

impl MovedNotice {
    /// Whether it has to be told, after a look that found the folder or did not.
    fn is_due(&mut self, is_there: bool) -> bool {
        let due = !is_there && !self.given;
        self.given |= due;
        due
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_folder_that_moved_is_told_once() {
        let mut notice = MovedNotice::default();
        let told = [true, false, false, true, false].map(|is_there| notice.is_due(is_there));
        assert_eq!(told, [false, true, false, false, false]);
    }
    #[tokio::test]
    async fn a_file_system_that_hangs_holds_up_one_thread_until_it_answers() {
        let thread = AskingThread::new(Duration::from_millis(50));
        let (let_go, held) = mpsc::channel::<()>();
        let refused = thread.ask(move || held.recv().is_ok()).await.unwrap_err();
        assert!(refused.contains("did not answer within 50ms"), "{refused}");
        let (asked, was_asked) = mpsc::channel();
        thread.ask(move || asked.send(())).await.unwrap_err();
        assert!(thread.hangs());
        was_asked.try_recv().expect_err("no second thread");
        let_go.send(()).unwrap();
        let thread = AskingThread { timeout: Duration::from_secs(20), ..thread };
        assert_eq!(thread.ask(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_a_sentence() {
        let thread = AskingThread::new(Duration::from_secs(20));
        let refused = thread.ask(|| panic!("a bug")).await.unwrap_err();
        assert!(refused.contains("panicked"), "{refused}");
    }
}
