//! The server as its callers see it: from a folder and a listener to the end of the last exchange.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::config::Config;
use super::context::ServerContext;
use super::file::{CurrentRoot, Root};
use super::limits::Limits;
use super::{accept, idle, shutdown};

/// A server of one folder. Clones serve the same folder and share its limits.
#[derive(Clone, Debug)]
pub struct Server {
    root: Arc<CurrentRoot>,
    config: Config,
    limits: Arc<Limits>,
}

impl Server {
    /// Makes a server of `root`, which listens nowhere yet.
    pub fn new(root: Root, config: Config) -> Self {
        let Config { max_connections, max_files, max_per_peer, .. } = config;
        let limits = Arc::new(Limits::new(max_connections, max_files, max_per_peer));
        Self { root: Arc::new(CurrentRoot::new(root)), config, limits }
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
    // Before the first accept: later, a lack of descriptors must not end the server.
    let epoll = idle::epoll_set()?;
    let (to_idle, from_accept) = mpsc::unbounded_channel();
    let mut exchanges = JoinSet::new();
    // A set of one task, since a set aborts its tasks when dropped.
    let mut idle = JoinSet::new();
    idle.spawn(idle::run(Arc::clone(&context), epoll, from_accept));
    tokio::select! {
        () = shutdown.requested() => {}
        Err(error) = accept::run(&context, listener, &to_idle, &mut exchanges) => return Err(error),
        // Because of the shutdown, or because the system failed.
        Some(ended) = idle.join_next() => ended??,
    }
    shutdown::drain(&mut exchanges, context.config.grace).await;
    // The idle set drains its own exchanges, with the same grace at the same time.
    idle.join_next().await.unwrap_or(Ok(Ok(())))?
}
