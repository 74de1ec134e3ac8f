//! The other side: a generated file, and the server of it on the kernel's own TCP.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::Path;
use std::thread::{self, JoinHandle};

use fetchlet::server::{Config, Root, RootOptions, Server};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime;
use tokio::sync::oneshot;

use crate::failure::Failure;

/// The file's name.
pub(crate) const NAME: &str = "firmware.bin";

/// A server in a thread of its own.
#[derive(Debug)]
pub(crate) struct Peer {
    address: SocketAddrV4,
    sha256: String,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
    folder: TempDir,
}

impl Peer {
    /// Serves a file of `size` bytes from a folder in `temporary`.
    pub(crate) fn start(host: Ipv4Addr, size: u32, temporary: &Path) -> Result<Self, Failure> {
        let failed = |fault: io::Error| Failure::Failed(format!("the server: {fault}"));
        let folder = TempDir::with_prefix_in("linux_tap-", temporary).map_err(failed)?;
        let sha256 = generate(&folder.path().join(NAME), size).map_err(failed)?;
        let root = Root::open(folder.path(), RootOptions::default())
            .map_err(|fault| Failure::Failed(fault.to_string()))?;
        let listener = TcpListener::bind((host, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let (stop, stopped) = oneshot::channel();
        let server = Server::new(root, Config::default());
        let thread = thread::spawn(move || serve(&server, listener, stopped));
        Ok(Self { address: SocketAddrV4::new(host, port), sha256, stop, thread, folder })
    }

    /// Where it listens; it does by now.
    pub(crate) const fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Of the file, when it was generated.
    pub(crate) fn sha256(&self) -> String {
        self.sha256.clone()
    }

    /// Ends the server, and removes the file.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        drop(self.stop);
        let ended = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("it panicked")));
        ended
            .and_then(|()| self.folder.close())
            .map_err(|fault| Failure::Failed(format!("the server: {fault}")))
    }
}

fn serve(server: &Server, listener: TcpListener, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // The sender says it by being dropped.
        server.run(listener, async { stopped.await.unwrap_or_default() }).await
    })
}

/// Writes `size` bytes that repeat nowhere (xorshift64); returns their SHA-256.
fn generate(path: &Path, size: u32) -> io::Result<String> {
    let mut file = BufWriter::with_capacity(1 << 16, File::create_new(path)?);
    let mut hash = Sha256::new();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut left = size as usize;
    let mut block = [0; 4096];
    while left > 0 {
        for word in block.as_chunks_mut().0 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *word = state.to_le_bytes();
        }
        let piece = &block[..left.min(block.len())];
        file.write_all(piece)?;
        hash.update(piece);
        left -= piece.len();
    }
    file.flush()?;
    Ok(crate::hex(&hash.finalize()))
}
