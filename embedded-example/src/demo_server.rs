//! The server that both programs fetch from, with a generated file in a temporary folder.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fetchlet::server::{Config, Root, RootOptions, Server};
use tempfile::TempDir;
use tokio::runtime;
use tokio::sync::oneshot;

use crate::digests::Digests;

/// A real server of one generated file, in a thread with a runtime of its own. Dropping it ends the
/// server and removes the folder.
#[derive(Debug)]
pub struct DemoServer {
    folder: TempDir,
    address: SocketAddrV4,
    digests: Digests,
    size: u32,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl DemoServer {
    /// The name of the file.
    pub const FILE: &str = "demo.bin";

    /// Generates a file of `size` bytes in a new folder in `temporary`, and serves the file on a
    /// free port of `host`. The same `seed` gives the same file.
    ///
    /// # Errors
    ///
    /// The system's, if the file can't be written or the port can't be had.
    pub fn start(host: Ipv4Addr, temporary: &Path, size: u32, seed: u64) -> io::Result<Self> {
        let folder = TempDir::with_prefix_in("fetchlet-", temporary).map_err(|error| {
            let reason = format!("no folder can be made in {}: {error}", temporary.display());
            io::Error::new(error.kind(), reason)
        })?;
        let digests = generate(File::create(folder.path().join(Self::FILE))?, size, seed)?;
        let root = Root::open(folder.path(), RootOptions::default()).map_err(io::Error::other)?;
        let grace = Duration::from_secs(1);
        let mut config = Config::default();
        config.grace = grace;
        let server = Server::new(root, config);
        let listener = TcpListener::bind((host, 0))?;
        listener.set_nonblocking(true)?;
        let address = SocketAddrV4::new(host, listener.local_addr()?.port());
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            // Dropping the sender asks for the end, as a message would.
            server.run(listener, async { stopped.await.unwrap_or_default() }).await
        };
        let thread = thread::spawn(move || runtime.block_on(serve));
        Ok(Self { folder, address, digests, size, stop: Some(stop), thread: Some(thread) })
    }

    /// The address on which the server listens.
    pub const fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// The path of the file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(Self::FILE)
    }

    /// The length of the file in bytes.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// The checksums of the file as it was generated.
    pub const fn digests(&self) -> &Digests {
        &self.digests
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => eprintln!("the server has failed: {error}"),
            Some(Err(_)) => eprintln!("the server has panicked"),
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

/// Fills `file` with `size` bytes without a pattern.
fn generate(file: File, size: u32, seed: u64) -> io::Result<Digests> {
    let (mut file, mut digests) = (BufWriter::new(file), Digests::default());
    let mut left = size as usize;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut block = [0; 4096];
    while left > 0 {
        random.fill(&mut block);
        let piece = &block[..left.min(block.len())];
        file.write_all(piece)?;
        digests.update(piece);
        left -= piece.len();
    }
    file.flush()?;
    Ok(digests)
}
