//! A generated file in a temporary folder, and a real server of it: what both programs fetch from.
#![allow(dead_code, reason = "each program uses a part")]

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

use crate::hash::Hasher;

/// The server, in a thread with a runtime of its own; ended, and its folder removed, when dropped.
#[derive(Debug)]
pub(crate) struct Served {
    folder: TempDir,
    address: SocketAddrV4,
    sent: Hasher,
    size: u32,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Served {
    /// What the file is called.
    pub(crate) const FILE: &str = "demo.bin";

    /// Generates a file of so many bytes below `temporary`, and serves it on a free port of `host`.
    pub(crate) fn start(
        host: Ipv4Addr,
        temporary: &Path,
        size: u32,
        seed: u64,
    ) -> io::Result<Self> {
        let folder = TempDir::with_prefix_in("fetchlet-", temporary).map_err(|error| {
            let reason = format!("no folder can be made in {}: {error}", temporary.display());
            io::Error::new(error.kind(), reason)
        })?;
        let sent = generate(File::create(folder.path().join(Self::FILE))?, size, seed)?;
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
            // A sender that is dropped says the same as one that has sent.
            server.run(listener, async { stopped.await.unwrap_or_default() }).await
        };
        let thread = thread::spawn(move || runtime.block_on(serve));
        Ok(Self { folder, address, sent, size, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens; it does by now.
    pub(crate) const fn address(&self) -> SocketAddrV4 {
        self.address
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(Self::FILE)
    }

    pub(crate) const fn size(&self) -> u32 {
        self.size
    }

    /// The checksums of the file as it was written.
    pub(crate) const fn sent(&self) -> &Hasher {
        &self.sent
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => eprintln!("the server has failed: {error}"),
            Some(Err(_)) => eprintln!("the server has panicked"),
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

/// Bytes without a pattern: xorshift64.
fn generate(file: File, size: u32, seed: u64) -> io::Result<Hasher> {
    let (mut file, mut hasher) = (BufWriter::new(file), Hasher::default());
    let mut left = size as usize;
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut block = [0; 4096];
    while left > 0 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let piece = &block[..left.min(block.len())];
        file.write_all(piece)?;
        hasher.update(piece);
        left -= piece.len();
    }
    file.flush()?;
    Ok(hasher)
}
