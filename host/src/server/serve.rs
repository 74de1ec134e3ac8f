//! The server as its callers see it: from a folder and a listener to the end of the last exchange.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time;

use super::config::Config;
use super::context::ServerContext;
use super::file::{Bulkheads, CurrentRoot, MAX_DISK_THREADS, MAX_HUNG_THREADS, Root};
use super::limits::Limits;
use super::shutdown::Shutdown;
use super::{accept, idle, shutdown};

/// The pause before a server that lacks a descriptor to begin with tries again: no more than a peer
/// that waits in the backlog notices.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A server of one folder. Clones serve the same folder and share its limits.
#[derive(Clone, Debug)]
pub struct Server {
    root: Arc<CurrentRoot>,
    config: Config,
    limits: Arc<Limits>,
    bulkheads: Arc<Bulkheads>,
}

impl Server {
    /// The most threads of the runtime's blocking pool that a server leaves in the hands of file
    /// systems that do not answer. Give the runtime [`MAX_DISK_THREADS`](Self::MAX_DISK_THREADS)
    /// more.
    pub const MAX_HUNG_THREADS: usize = MAX_HUNG_THREADS;

    /// The most threads of the runtime's blocking pool in which a server opens files on the disk at
    /// once. Where the pool has no more, reads from the disk share them.
    pub const MAX_DISK_THREADS: usize = MAX_DISK_THREADS;

    /// Makes a server of `root`, which listens nowhere yet.
    pub fn new(root: Root, config: Config) -> Self {
        let Config { max_connections, max_files, max_per_peer, .. } = config;
        let limits = Arc::new(Limits::new(max_connections, max_files, max_per_peer));
        let bulkheads = Arc::new(Bulkheads::new(&config));
        Self { root: Arc::new(CurrentRoot::new(root)), config, limits, bulkheads }
    }

    /// Returns the folder that requests are answered from now.
    pub fn root(&self) -> Arc<Root> {
        self.root.get()
    }

    /// Answers each request from `root` that comes from now on, on all clones, while they run.
    ///
    /// Responses that have begun go on with the files that they have open.
    ///
    /// ```
    /// # use fetchlet::server::{Config, Root, RootOptions, Server};
    /// # let folder = tempfile::tempdir()?;
    /// # let release = folder.path();
    /// let root = Root::open(release, RootOptions::default())?;
    /// let server = Server::new(root, Config::default());
    /// assert!(server.root().is_at(release)?);
    /// // The path leads to the next release now.
    /// server.replace_root(Root::open(release, RootOptions::default())?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace_root(&self, root: Root) {
        self.root.replace(root);
    }

    /// Logs, as a warning, the name of each file whose file system has not let go of a thread, and
    /// for how many seconds. Logs each such call once. [`run`](Self::run) does so at its end.
    ///
    /// Such a thread can keep the process from ending, whatever ends it.
    pub fn log_hung_calls(&self) {
        self.bulkheads.log_calls_under_way();
    }

    /// Serves the connections of `listener` until `shutdown` resolves.
    ///
    /// Then the server stops listening, closes connections that have sent nothing, lets exchanges
    /// go on for at most [`Config::grace`], aborts those that are left, and returns with no task
    /// left behind. No peer can end the server. Nor does a lack of descriptors or memory: the
    /// server waits until the system has some again.
    ///
    /// Clones may run on other listeners at the same time. Dropping the future requests the
    /// shutdown as well, without waiting for it.
    ///
    /// # Errors
    ///
    /// If the runtime can't wait for connections on `listener`.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O and time enabled.
    pub async fn run(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let (trigger, requested) = shutdown::channel();
        let context = Arc::new(ServerContext {
            root: Arc::clone(&self.root),
            config: self.config.clone(),
            bulkheads: Arc::clone(&self.bulkheads),
            limits: Arc::clone(&self.limits),
            shutdown: requested,
        });
        // A task of its own: as a part of what `block_on` polls, each accept costs two thread
        // switches.
        let mut serving = tokio::spawn(serve(context, listener));
        tokio::select! {
            ended = &mut serving => return ended?,
            () = shutdown => {}
        }
        trigger.request();
        serving.await?
    }
}

/// Accepts connections until the shutdown is requested, then waits until their exchanges have
/// ended.
async fn serve(context: Arc<ServerContext>, listener: TcpListener) -> io::Result<()> {
    let mut shutdown = context.shutdown.clone();
    let (to_idle, from_accept) = mpsc::unbounded_channel();
    let mut exchanges = JoinSet::new();
    // A set of one task, since a set aborts its tasks when dropped.
    let mut idle = JoinSet::new();
    // Before the first connection is accepted, which may take the last descriptor.
    let Some(epoll) = idle_set(&mut shutdown).await else { return Ok(()) };
    idle.spawn(idle::run(Arc::clone(&context), epoll, from_accept));
    tokio::select! {
        () = shutdown.requested() => {}
        Err(error) = accept::run(&context, listener, &to_idle, &mut exchanges) => return Err(error),
        // Because of the shutdown, or because the system failed.
        Some(ended) = idle.join_next() => ended??,
    }
    shutdown::drain(&mut exchanges, context.config.grace).await;
    // The idle set drains its own exchanges, with the same grace at the same time.
    let ended = idle.join_next().await.unwrap_or(Ok(Ok(())));
    context.bulkheads.log_calls_under_way();
    ended?
}

/// Makes the epoll set of the idle connections, as soon as the system has a descriptor for it.
/// `None`: the shutdown was requested before.
async fn idle_set(shutdown: &mut Shutdown) -> Option<AsyncFd<OwnedFd>> {
    let mut is_told = false;
    loop {
        match idle::epoll_set() {
            Ok(epoll) => return Some(epoll),
            Err(error) if !is_told => {
                tracing::warn!(%error, "cannot accept connections yet, trying on");
                is_told = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = shutdown.requested() => return None,
            () = time::sleep(RETRY_PAUSE) => {}
        }
    }
}
