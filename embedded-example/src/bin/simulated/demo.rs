//! A server of our own: a generated file in a temporary folder, served on a loopback port.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fetchlet::server::{Config, Root, RootOptions, Server};
use tempfile::TempDir;
use tokio::runtime;
use tokio::sync::oneshot;

use crate::hash::Hasher;

/// The server, in a thread with a runtime of its own; stopped, and its folder removed, when dropped.
pub(crate) struct Demo {
    folder: TempDir,
    addr: SocketAddr,
    sent: Hasher,
    size: u64,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Demo {
    /// What the file is called.
    pub(crate) const FILE: &str = "demo.bin";

    /// Generates a file of so many bytes, and serves it.
    pub(crate) fn start(size: u64, seed: u64) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("fetchlet-").tempdir()?;
        let sent = generate(File::create(folder.path().join(Self::FILE))?, size, seed)?;
        let root = Root::open(folder.path(), RootOptions::default()).map_err(io::Error::other)?;
        let grace = Duration::from_secs(1);
        let server = Server::new(root, Config { grace, ..Config::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            // A sender that is dropped says the same as one that has sent.
            server.run(listener, async { stopped.await.unwrap_or_default() }).await
        };
        let thread = thread::spawn(move || runtime.block_on(serve));
        Ok(Self { folder, addr, sent, size, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(Self::FILE)
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The checksums of the file as it was written.
    pub(crate) const fn sent(&self) -> &Hasher {
        &self.sent
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => eprintln!("simulated: the server has failed: {error}"),
            Some(Err(_)) => eprintln!("simulated: the server has panicked"),
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

/// Bytes without a pattern: xorshift64.
fn generate(file: File, size: u64, seed: u64) -> io::Result<Hasher> {
    let (mut file, mut hasher, mut left) = (BufWriter::new(file), Hasher::default(), size);
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut block = [0; 4096];
    while left > 0 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let len = left.min(block.len() as u64);
        let piece = &block[..len as usize];
        file.write_all(piece)?;
        hasher.update(piece);
        left -= len;
    }
    file.flush()?;
    Ok(hasher)
}
