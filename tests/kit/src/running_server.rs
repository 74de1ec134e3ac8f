//! The library's server in a thread, for as long as a test needs it.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fetchlet::server::{Config, Root, RootOptions, Server};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::listener::listener;

/// A server in a thread with a runtime of its own, stopped and waited for when dropped.
#[derive(Debug)]
pub struct RunningServer {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    /// Serves this folder with the default options.
    pub fn start(root: &Path) -> Self {
        Self::with(root, RootOptions::default(), Config::default())
    }

    /// Serves this folder. The grace period at the end is 1 s, whatever `config` says.
    ///
    /// # Panics
    ///
    /// If there is no such folder, or the system gives no port.
    pub fn with(root: &Path, options: RootOptions, mut config: Config) -> Self {
        let root = Root::open(root, options).unwrap_or_else(|error| panic!("{root:?}: {error}"));
        config.grace = Duration::from_secs(1);
        let server = Server::new(root, config);
        let listener = listener();
        listener.set_nonblocking(true).expect("a listener that does not block");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let listener =
                    tokio::net::TcpListener::from_std(listener).expect("a runtime with I/O");
                // A dropped sender stops the server as a message does.
                let shutdown = async { stopped.await.unwrap_or_default() };
                server.run(listener, shutdown).await.expect("a listener that works");
            });
        });
        Self { addr, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns the address of the listener, which accepts connections from the start.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the port of [`addr`](Self::addr).
    pub const fn port(&self) -> u16 {
        self.addr.port()
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        // A second panic during unwinding would abort and hide the first.
        if let (Some(Err(_)), false) = (ended, thread::panicking()) {
            panic!("the server panicked");
        }
    }
}
