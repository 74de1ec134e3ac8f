//! The server: answers requests for the files of one folder, on tokio.
//!
//! ```no_run
//! use fetchlet::server::{Config, Root, RootOptions, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let root = Root::open("firmware", RootOptions::default())?;
//! let server = Server::new(root, Config::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
//! // Sending on, or dropping, `stop` ends the server.
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! # stop.send(()).ok();
//! server.run(listener, async { stopped.await.unwrap_or_default() }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Every finished exchange is one `tracing` event of the target `fetchlet::exchange`, with the
//! fields `peer`, `name`, `status`, `bytes` (of data), `ms`, `end` and, where there is one,
//! `reason`.

// The way of a connection: `accept` → (`idle`, until the first byte) → `connection`: `request` →
// `response` → `close`. `file` leads from a name to bytes. The other files hold what these share.
mod accept;
mod access_log;
mod config;
mod connection;
mod context;
mod file;
mod idle;
mod limits;
mod log_rate_limit;
mod serve;
mod shutdown;

pub use config::Config;
pub use file::{Root, RootError, RootOptions, Symlinks};
pub use serve::Server;
