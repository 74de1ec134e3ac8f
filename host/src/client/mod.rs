//! The blocking client: connect, ask, receive.

mod checksum;
mod connect;
mod error;
mod pipeline;
mod response;
mod sink;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use fetchlet_codec::Filename;

pub use checksum::{Checksum, ChecksumError, Verify};
pub use error::ClientError;
pub use response::{Response, Unfinished};

use crate::{Existing, Staging};

/// Downloads files.
///
/// ```no_run
/// use std::time::Duration;
/// use fetchlet::{Client, Filename};
///
/// let client = Client::new().idle_timeout(Duration::from_secs(1));
/// let mut file = Vec::new();
/// let name = Filename::new("h.txt")?;
/// let report = client.download("localhost", 5000, name, &mut file, |_| {})?;
/// assert_eq!(report.bytes, file.len() as u64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_size: Option<u64>,
    verify: Verify,
    sync: bool,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that have come.
    pub received: u64,
    /// Bytes of the whole file, as announced.
    pub expected: u64,
}

/// A download that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file's length.
    pub bytes: u64,
    /// From the first look-up of the host's name to the file's last byte.
    pub elapsed: Duration,
    /// The file's checksum, if [`Verify`] asked for it.
    pub checksum: Option<Checksum>,
}

impl Client {
    /// A client that waits 10 s at most to connect, and for progress (R15), and takes any size.
    pub const fn new() -> Self {
        let timeout = Duration::from_secs(10);
        Self {
            connect_timeout: timeout,
            idle_timeout: timeout,
            max_size: None,
            verify: Verify::Length,
            sync: true,
        }
    }

    /// How long to wait for one address to accept the connection; at least 1 ms.
    ///
    /// Looking up the host's name comes before, and takes as long as the system's resolver lets it.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long to wait for a peer that moves nothing (R15); at least 1 ms.
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Refuse a file that is announced with more bytes than this.
    pub const fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// What to ask of the data besides that all of it comes.
    pub const fn verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }

    /// Whether a file is on the disk before its target is replaced: see [`Response::sync`].
    pub const fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Connects to each address of `host` in turn, asks for a file, and waits for the header.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but those of writing.
    pub fn request(&self, host: &str, port: u16, name: Filename) -> Result<Response, ClientError> {
        let started = Instant::now();
        let connection = connect::connect(host, port, self.connect_timeout)?;
        connect::set_idle_timeout(&connection, self.idle_timeout)?;
        let response = Response::start(connection, name)?.started_at(started);
        let response = response.verify(self.verify).sync(self.sync);
        match self.max_size {
            Some(max) if response.len() > max => {
                Err(ClientError::TooLarge { announced: response.len(), max })
            }
            _ => Ok(response),
        }
    }

    /// Downloads a file into `sink`, which may hold a part of it when this fails.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but [`ClientError::Staging`].
    pub fn download(
        &self,
        host: &str,
        port: u16,
        name: Filename,
        sink: &mut impl Write,
        progress: impl FnMut(Progress),
    ) -> Result<Report, ClientError> {
        self.request(host, port, name)?.read_to(sink, progress)
    }

    /// Downloads a file to the path `target`, which is untouched until the file is whole (R14).
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]. An existing target that is to be kept is refused before connecting, and
    /// again if it has come to exist in the meantime.
    pub fn download_to_file(
        &self,
        host: &str,
        port: u16,
        name: Filename,
        target: &Path,
        existing: Existing,
        progress: impl FnMut(Progress),
    ) -> Result<Report, ClientError> {
        Staging::check(target, existing)?;
        let response = self.request(host, port, name)?;
        response.save(target, existing, &Unfinished::default(), progress)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}
