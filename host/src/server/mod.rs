//! The server: answers requests for the files of one folder, on tokio.
//!
//! ```no_run
//! use fetchlet::server::{Config, Root, RootOptions, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let root = Root::open("firmware".as_ref(), RootOptions::default())?;
//! let server = Server::new(root, Config::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
//! server.run(listener, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Every finished exchange is one `tracing` event of the target `fetchlet::exchange`, with the fields
//! `peer`, `name`, `status`, `bytes` (of data), `ms`, `end` and, where there is one, `reason`.

mod accept;
mod close;
mod cold;
mod connection;
mod limits;
mod lobby;
mod outcome;
mod root;
mod send;
mod socket;
mod unsent;

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

pub use root::{Root, RootError, RootOptions, Symlinks};

use connection::Stop;
use limits::Limits;
use lobby::Guest;

/// What a server allows its peers.
///
/// ```
/// # use std::time::Duration;
/// let mut config = fetchlet::server::Config::default();
/// config.timeout = Duration::from_secs(1);
/// config.max_connections = 100;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// A peer that takes nothing of a response for this long is dropped (R15). Default: 10 s.
    ///
    /// Only TCP's window tells what it takes. One that reads a large receive buffer so slowly that
    /// the window stays shut for longer looks the same as one that does not read.
    pub timeout: Duration,
    /// From accepting a connection to its whole request, however it trickles (R6, R15). Default: 10 s.
    pub request_deadline: Duration,
    /// How many connections are served at once, at least 1; more wait in the listener's backlog.
    /// Default: 4096.
    pub max_connections: usize,
    /// How many of them may come from one address (IPv6: from one /64); more are closed at once.
    /// 0: no cap. Default: 256.
    pub max_per_peer: usize,
    /// How many files are open at once, at least 1; more requests wait, but not longer than `timeout`.
    /// Each takes a descriptor besides its connection's. Default: 4096.
    pub max_files: usize,
    /// How long exchanges may go on after the shutdown. Default: 8 s.
    pub grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            request_deadline: Duration::from_secs(10),
            max_connections: 4096,
            max_per_peer: 256,
            max_files: 4096,
            grace: Duration::from_secs(8),
        }
    }
}

/// A server of one folder; clones serve the same folder and share its limits.
#[derive(Clone, Debug)]
pub struct Server(Arc<Shared>);

/// What all connections of a server have in common.
#[derive(Debug)]
struct Shared {
    root: Root,
    config: Config,
    limits: Arc<Limits>,
}

impl Server {
    /// A server of `root` that listens nowhere yet.
    pub fn new(root: Root, config: Config) -> Self {
        let Config { max_connections, max_files, max_per_peer, .. } = config;
        let limits = Arc::new(Limits::new(max_connections, max_files, max_per_peer));
        Self(Arc::new(Shared { root, config, limits }))
    }

    /// Serves the connections of `listener` until `shutdown` resolves.
    ///
    /// Then it stops listening, closes connections that have sent nothing, lets exchanges go on for at
    /// most [`Config::grace`], breaks off those that are left, and returns with no task left behind.
    /// Nothing that a peer does ends it, nor does a lack of descriptors or memory: it waits until there
    /// are some again.
    ///
    /// Clones may run on other listeners at the same time. Dropping the future is a shutdown too, one
    /// that is not waited for.
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
        let (stop, stopped) = watch::channel(false);
        // A task of its own: polled as part of `block_on`, each accept costs two thread switches.
        let mut serving = tokio::spawn(serve(Arc::clone(&self.0), listener, stopped));
        tokio::select! {
            ended = &mut serving => return ended?,
            () = shutdown => {}
        }
        stop.send_replace(true);
        serving.await?
    }
}

/// What all connections have in common while the server runs on one listener.
#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    stop: Stop,
    lobby: UnboundedSender<Guest>,
}

/// Accepts until `stopped`, then drains.
async fn serve(shared: Arc<Shared>, listener: TcpListener, mut stopped: Stop) -> io::Result<()> {
    let grace = shared.config.grace;
    let (lobby, arrivals) = mpsc::unbounded_channel();
    let running = Arc::new(Running { shared, stop: stopped.clone(), lobby });
    let mut exchanges = JoinSet::new();
    let mut lobbies = JoinSet::new();
    lobbies.spawn(lobby::run(Arc::clone(&running), arrivals, stopped.clone()));
    tokio::select! {
        // An error means that the sender was dropped, and `run` with it.
        _ = stopped.wait_for(|stop| *stop) => {}
        Err(error) = accept::all(&running, listener, &mut exchanges) => return Err(error),
        // With the stop, or by a fault of the system's.
        Some(ended) = lobbies.join_next() => ended??,
    }
    end(&mut exchanges, grace).await;
    // It has the same grace, at the same time.
    lobbies.join_next().await.unwrap_or(Ok(Ok(())))?
}

/// Lets exchanges go on for so long, then breaks off what is left.
async fn end(exchanges: &mut JoinSet<()>, grace: Duration) {
    let ended = async { while exchanges.join_next().await.is_some() {} };
    if time::timeout(grace, ended).await.is_err() {
        exchanges.shutdown().await;
    }
}

/// Has the runtime tell when something can be read from `source`, and nothing else.
fn watch_readable<T: AsRawFd>(source: T) -> io::Result<AsyncFd<T>> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that may swap their descriptor: none of ours does"
    )]
    AsyncFd::with_interest(source, Interest::READABLE)
}
