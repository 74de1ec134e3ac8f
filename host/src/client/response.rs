//! A response whose header has come: options for the data, and where the data goes.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_codec::{Filename, Progress};

use super::buffer::{BUFFER_LEN, BufferWriter};
use super::checksum::{Checksum, HashingWriter, Verify};
use super::error::ClientError;
use super::exchange::Exchange;
use super::pipeline::Pipeline;
use crate::staging::{IfExists, Staging, flush};

/// A file that the server has announced and is sending.
///
/// The data arrives by [`save`](Self::save), [`bytes`](Self::bytes), [`copy_to`](Self::copy_to),
/// [`copy_to_file`](Self::copy_to_file) or [`copy_to_staging`](Self::copy_to_staging), each of
/// which succeeds only if the file is whole (R12). A response that is dropped closes the
/// connection.
///
/// ```no_run
/// use fetchlet::{Client, IfExists, Verify};
///
/// let summary = Client::new()
///     .get("192.0.2.1:5000", "fw.bin")?
///     .verify(Verify::Compute)
///     .if_exists(IfExists::Replace)
///     .on_progress(|progress| println!("{} of {}", progress.received, progress.expected))
///     .save("fw.bin")?;
/// println!("{} bytes in {:?}", summary.len, summary.elapsed);
/// # Ok::<(), fetchlet::ClientError>(())
/// ```
#[must_use = "the data has not been received yet"]
pub struct Response<C = TcpStream, P = fn(Progress)> {
    exchange: Exchange<C>,
    started: Instant,
    verify: Verify,
    sync: bool,
    if_exists: IfExists,
    on_progress: P,
}

/// A download that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The file's length, in bytes.
    pub len: u32,
    /// The time from the first lookup of the host's name to the file's last byte.
    pub elapsed: Duration,
    /// The file's checksum, unless [`Verify::None`] was asked for.
    pub checksum: Option<Checksum>,
}

impl<C: Read + Write> Response<C> {
    /// Asks for a file over a connection of the caller's, and waits for the header. The
    /// connection's own timeouts hold (R15).
    ///
    /// # Errors
    ///
    /// [`ClientError::InvalidName`], [`ClientError::NotFound`], [`ClientError::Malformed`],
    /// [`ClientError::Protocol`], [`ClientError::TimedOut`] and [`ClientError::Connection`].
    pub fn start<N>(connection: C, name: N) -> Result<Self, ClientError>
    where
        N: TryInto<Filename, Error: Into<ClientError>>,
    {
        let started = Instant::now();
        let name = name.try_into().map_err(Into::into)?;
        let exchange = Exchange::start(connection, name)?;
        Ok(Self {
            exchange,
            started,
            verify: Verify::None,
            sync: true,
            if_exists: IfExists::Fail,
            on_progress: |_| {},
        })
    }

    pub(super) fn started_at(self, started: Instant) -> Self {
        Self { started, ..self }
    }
}

impl<C, P> Response<C, P> {
    /// Sets whether the checksum of the data is computed. Default: [`Verify::None`].
    pub fn verify(self, verify: Verify) -> Self {
        Self { verify, ..self }
    }

    /// Sets whether [`save`](Self::save) waits until the data is on the disk before it renames the
    /// file, and until the rename is. Default: `true`. Without, a power failure may leave a target
    /// that is not whole.
    pub fn sync(self, sync: bool) -> Self {
        Self { sync, ..self }
    }

    /// Sets what [`save`](Self::save) does with a file that has the target's name. Default:
    /// [`IfExists::Fail`].
    pub fn if_exists(self, if_exists: IfExists) -> Self {
        Self { if_exists, ..self }
    }

    /// Sets a function that is called with the counts of bytes after each piece of data.
    pub fn on_progress<Q: FnMut(Progress)>(self, on_progress: Q) -> Response<C, Q> {
        let Self { exchange, started, verify, sync, if_exists, on_progress: _ } = self;
        Response { exchange, started, verify, sync, if_exists, on_progress }
    }
}

impl<C: Read, P: FnMut(Progress)> Response<C, P> {
    /// Returns the file's length, in bytes, as announced (R3).
    pub fn data_len(&self) -> u32 {
        self.exchange.data_len()
    }

    /// Downloads to the path `target` through a staging file: the target is untouched until the
    /// file is whole, on the disk, and renamed (R14).
    ///
    /// To refuse an existing target before connecting, call [`Staging::check`] first. A device, a
    /// pipe or a socket is refused: [`open_stream`](crate::open_stream) opens it for
    /// [`copy_to_file`](Self::copy_to_file).
    ///
    /// # Errors
    ///
    /// [`ClientError::Staging`], and as for [`copy_to`](Self::copy_to).
    pub fn save(self, target: impl AsRef<Path>) -> Result<Summary, ClientError> {
        let (target, if_exists) = (target.as_ref(), self.if_exists);
        Staging::check(target, if_exists)?;
        let mut staging = Staging::create(target)?;
        let summary = self.copy_to_staging(&mut staging)?;
        staging.commit(if_exists)?;
        Ok(summary)
    }

    /// Returns the data, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`ClientError::TooLarge`] if more is announced, and as for [`copy_to`](Self::copy_to).
    pub fn bytes(self, limit: usize) -> Result<Vec<u8>, ClientError> {
        let (announced, max) = (self.data_len(), limit as u64);
        if u64::from(announced) > max {
            return Err(ClientError::TooLarge { announced, max });
        }
        // Memory is taken as data comes: an announced length is only a claim.
        let mut data = Vec::with_capacity(BUFFER_LEN.min(announced as usize));
        self.copy_to(&mut data)?;
        Ok(data)
    }

    /// Moves the data into `sink` as the data comes.
    ///
    /// # Errors
    ///
    /// [`ClientError::Write`], [`ClientError::ChecksumDiffers`], [`ClientError::Protocol`],
    /// [`ClientError::TimedOut`] and [`ClientError::Connection`]: `sink` then holds a part of the
    /// file, or a file with another checksum. Of a [`File`], use
    /// [`copy_to_file`](Self::copy_to_file): some file systems report only at the close what they
    /// did not take.
    pub fn copy_to(self, sink: &mut (impl Write + ?Sized)) -> Result<Summary, ClientError> {
        let writer = HashingWriter::new(sink, self.verify);
        self.receive(writer)
    }

    /// As [`copy_to`](Self::copy_to) into a file; reads and writes at the same time. Errors that
    /// closing the file would report are reported here.
    ///
    /// # Errors
    ///
    /// As for [`copy_to`](Self::copy_to).
    pub fn copy_to_file(self, file: &File) -> Result<Summary, ClientError> {
        let summary = self.write_to_file(file)?;
        flush(file).map_err(ClientError::Write)?;
        Ok(summary)
    }

    fn write_to_file(self, file: &File) -> Result<Summary, ClientError> {
        let (data_len, verify) = (self.data_len(), self.verify);
        thread::scope(|scope| self.receive(Pipeline::new(scope, file, data_len, verify)))
    }

    /// Downloads to a staging file of the caller's, which may then [commit](Staging::commit) the
    /// file. [`save`](Self::save) does both; a program that has to remove the staging file when a
    /// signal comes does them one by one.
    ///
    /// # Errors
    ///
    /// [`ClientError::Staging`], and as for [`copy_to`](Self::copy_to).
    pub fn copy_to_staging(self, staging: &mut Staging) -> Result<Summary, ClientError> {
        staging.check_room(self.data_len().into())?;
        let sync = self.sync;
        let summary = self.write_to_file(staging.file()).map_err(|error| match error {
            ClientError::Write(source) => staging.not_written(source).into(),
            error => error,
        })?;
        if sync {
            staging.sync()?;
        } else {
            staging.flush()?;
        }
        Ok(summary)
    }

    fn receive(self, writer: impl BufferWriter) -> Result<Summary, ClientError> {
        let len = self.data_len();
        let checksum = self.exchange.receive_all(writer, self.on_progress)?;
        match (self.verify, checksum) {
            (Verify::Expect(expected), Some(found)) if found != expected => {
                Err(ClientError::ChecksumDiffers { expected, found })
            }
            _ => Ok(Summary { len, elapsed: self.started.elapsed(), checksum }),
        }
    }
}

impl<C: Read, P> fmt::Debug for Response<C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("data_len", &self.exchange.data_len())
            .field("verify", &self.verify)
            .field("sync", &self.sync)
            .field("if_exists", &self.if_exists)
            .finish_non_exhaustive()
    }
}
