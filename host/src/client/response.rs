//! A response whose header has come: the data is still to be read, over any connection.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use fetchlet_codec::{
    Download, Event, Filename, MAX_FILENAME, REQUEST_HEADER, Request, ResponseHeader, Status,
};

use super::checksum::{Checked, Verify};
use super::error::failed;
use super::pipeline::Pipeline;
use super::sink::{Direct, Sink};
use super::{ClientError, Progress, Report};
use crate::{Existing, Staging};

/// How much is read at once: below 64 KiB the calls cost, beyond 256 KiB nothing is gained.
pub(super) const BUFFER: usize = 256 * 1024;

/// A file that the server has announced and is sending.
#[derive(Debug)]
#[must_use = "the file has not been read yet"]
pub struct Response<C = TcpStream> {
    connection: C,
    download: Download,
    /// What came along with the header is at `pending`.
    buffer: Vec<u8>,
    pending: Range<usize>,
    progress: Progress,
    started: Instant,
    verify: Verify,
    sync: bool,
}

/// The path of a staging file, while there is one.
pub type Unfinished = Mutex<Option<PathBuf>>;

impl<C: Read + Write> Response<C> {
    /// Asks for a file over `connection`, and waits for the header. Time-outs are the connection's.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotFound`], [`ClientError::Malformed`], and those of the connection and of the
    /// protocol.
    pub fn start(mut connection: C, name: Filename) -> Result<Self, ClientError> {
        let started = Instant::now();
        let mut download = Download::new(Request::new(name));
        let mut idle_since = started;
        send(&mut download, &mut connection).map_err(|error| failed(error, idle_since, None))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let received = read(&mut connection, &mut buffer)
                .map_err(|error| failed(error, idle_since, None))?;
            if received == 0 {
                download.finish()?;
                return Err(failed(ErrorKind::UnexpectedEof.into(), idle_since, None));
            }
            idle_since = Instant::now();
            let mut input = &buffer[..received];
            if let Some(Event::Header(header)) = download.receive(&mut input)? {
                let pending = received - input.len()..received;
                let expected = announced(header)?;
                let progress = Progress { received: 0, expected };
                let (verify, sync) = (Verify::Length, true);
                return Ok(Self {
                    connection,
                    download,
                    buffer,
                    pending,
                    progress,
                    started,
                    verify,
                    sync,
                });
            }
        }
    }

    /// The file's length, in bytes, at most 2^32 - 1 (R3).
    #[expect(clippy::len_without_is_empty, reason = "the length of what is to come")]
    pub const fn len(&self) -> u64 {
        self.progress.expected
    }

    /// Moves the data into `sink` as it comes; `progress` is called after each piece.
    ///
    /// # Errors
    ///
    /// [`ClientError::Write`], [`ClientError::ChecksumDiffers`], and those of the connection and of the
    /// protocol: `sink` then holds a part of the file, or another file.
    pub fn read_to(
        self,
        sink: &mut impl Write,
        progress: impl FnMut(Progress),
    ) -> Result<Report, ClientError> {
        let sink = Direct(Checked::new(sink, self.verify));
        self.drain(sink, progress)
    }

    /// [`read_to`](Self::read_to) for a file, reading and writing at the same time.
    ///
    /// # Errors
    ///
    /// As for [`read_to`](Self::read_to).
    pub fn read_to_file(
        self,
        file: &File,
        progress: impl FnMut(Progress),
    ) -> Result<Report, ClientError> {
        let (len, verify) = (self.len(), self.verify);
        thread::scope(|scope| self.drain(Pipeline::new(scope, file, len, verify), progress))
    }

    /// Downloads to the path `target` through a staging file: it is untouched until the file is whole,
    /// on the disk, and renamed (R14).
    ///
    /// `unfinished` names the staging file while there is one. Whoever holds its lock knows that none
    /// is being made or renamed: a signal handler's thread can remove the file and end the program.
    ///
    /// # Errors
    ///
    /// [`ClientError::Staging`], and as for [`read_to`](Self::read_to).
    pub fn save(
        self,
        target: &Path,
        existing: Existing,
        unfinished: &Unfinished,
        progress: impl FnMut(Progress),
    ) -> Result<Report, ClientError> {
        let lock = || unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        let mut staging = {
            let mut unfinished = lock();
            let staging = Staging::create(target)?;
            *unfinished = Some(staging.path().into());
            staging
        };
        staging.check_room(self.len())?;
        let sync = self.sync;
        let report = self.read_to_file(staging.file(), progress).map_err(|error| match error {
            ClientError::Write(source) => staging.not_written(source).into(),
            error => error,
        })?;
        if sync {
            staging.sync()?;
        }
        let mut unfinished = lock();
        staging.commit(existing)?;
        *unfinished = None;
        Ok(report)
    }

    /// What is asked of the data besides that all of it comes.
    pub fn verify(self, verify: Verify) -> Self {
        Self { verify, ..self }
    }

    /// Whether [`save`](Self::save) waits until the file is on the disk before it renames it, and until
    /// the renaming is; on by default. Without, a power failure may leave a target that is not whole.
    pub fn sync(self, sync: bool) -> Self {
        Self { sync, ..self }
    }

    pub(super) fn started_at(self, started: Instant) -> Self {
        Self { started, ..self }
    }

    fn drain(
        mut self,
        mut sink: impl Sink,
        mut report: impl FnMut(Progress),
    ) -> Result<Report, ClientError> {
        let mut idle_since = Instant::now();
        loop {
            let data = self.receive()?;
            if !data.is_empty() {
                self.progress.received += data.len() as u64;
                self.buffer = sink.put(self.buffer, data).map_err(ClientError::Write)?;
                report(self.progress);
                idle_since = Instant::now();
            }
            if self.download.is_done() {
                break;
            }
            self.pending = match read(&mut self.connection, &mut self.buffer) {
                Ok(0) => break,
                Ok(received) => 0..received,
                Err(error) => return Err(failed(error, idle_since, Some(self.progress))),
            };
        }
        self.download.finish()?;
        let checksum = sink.finish().map_err(ClientError::Write)?;
        match (self.verify, checksum) {
            (Verify::Equal(expected), Some(found)) if found != expected => {
                Err(ClientError::ChecksumDiffers { expected, found })
            }
            _ => {
                let bytes = self.progress.received;
                Ok(Report { bytes, elapsed: self.started.elapsed(), checksum })
            }
        }
    }

    /// Where in the buffer the data is that is pending.
    fn receive(&mut self) -> Result<Range<usize>, ClientError> {
        let mut input = &self.buffer[self.pending.clone()];
        let mut range = 0..0;
        while let Some(event) = self.download.receive(&mut input)? {
            if let Event::Data(data) = event {
                let end = self.pending.end - input.len();
                range = end - data.len()..end;
            }
        }
        Ok(range)
    }
}

fn send(download: &mut Download, connection: &mut impl Write) -> io::Result<()> {
    let mut request = [0; REQUEST_HEADER + MAX_FILENAME];
    let len = download.transmit(&mut request);
    connection.write_all(&request[..len])?;
    connection.flush()
}

fn read(connection: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match connection.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn announced(header: ResponseHeader) -> Result<u64, ClientError> {
    match header.status() {
        Status::File => Ok(header.data_len().into()),
        Status::NotFound => Err(ClientError::NotFound),
        Status::Malformed => Err(ClientError::Malformed),
    }
}
