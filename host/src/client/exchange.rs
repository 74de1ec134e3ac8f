//! One exchange (R1) over a connection: sends the request, waits for the header, receives the data.

use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::time::Instant;

use fetchlet_codec::{
    Download, Event, Filename, MAX_FILENAME, Progress, REQUEST_HEADER, Request, Status,
};

use super::buffer::{BUFFER_LEN, BufferWriter};
use super::checksum::Checksum;
use super::error::ClientError;
use super::interrupted::until_done;

/// An exchange whose header has come; the data is still to be received.
pub(super) struct Exchange<C> {
    connection: C,
    download: Download,
    /// The buffer of the last read.
    buffer: Vec<u8>,
    /// Where in `buffer` the bytes are that `download` has not taken yet.
    pending: Range<usize>,
}

impl<C: Read + Write> Exchange<C> {
    /// Asks for a file, and waits for the header of a response that announces a file.
    pub(super) fn start(mut connection: C, name: Filename) -> Result<Self, ClientError> {
        let mut download = Download::new(Request::new(name));
        let mut idle_since = Instant::now();
        send(&mut download, &mut connection)
            .map_err(|error| ClientError::from_io(error, idle_since, None))?;
        let mut buffer = vec![0; BUFFER_LEN];
        loop {
            let received = read(&mut connection, &mut buffer)
                .map_err(|error| ClientError::from_io(error, idle_since, None))?;
            if received == 0 {
                download.finish()?;
                return Err(ClientError::from_io(
                    ErrorKind::UnexpectedEof.into(),
                    idle_since,
                    None,
                ));
            }
            idle_since = Instant::now();
            let mut input = &buffer[..received];
            if let Some(Event::Header(header)) = download.receive(&mut input)? {
                check(header.status())?;
                let pending = received - input.len()..received;
                return Ok(Self { connection, download, buffer, pending });
            }
        }
    }
}

impl<C: Read> Exchange<C> {
    /// The data length that the header announced, in bytes.
    pub(super) fn data_len(&self) -> u32 {
        self.download.progress().map_or(0, |progress| progress.expected)
    }

    /// Moves the data into `writer`, and returns the writer's checksum. Calls `on_progress` after
    /// each buffer.
    pub(super) fn receive_all(
        mut self,
        mut writer: impl BufferWriter,
        mut on_progress: impl FnMut(Progress),
    ) -> Result<Option<Checksum>, ClientError> {
        let mut idle_since = Instant::now();
        loop {
            let data = self.decode_pending()?;
            if !data.is_empty() {
                self.buffer = writer.write(self.buffer, data).map_err(ClientError::Write)?;
                if let Some(progress) = self.download.progress() {
                    on_progress(progress);
                }
                idle_since = Instant::now();
            }
            if self.download.is_done() {
                break;
            }
            self.pending = match read(&mut self.connection, &mut self.buffer) {
                Ok(0) => break,
                Ok(received) => 0..received,
                Err(error) => {
                    let progress = self.download.progress();
                    return Err(ClientError::from_io(error, idle_since, progress));
                }
            };
        }
        self.download.finish()?;
        writer.finish().map_err(ClientError::Write)
    }

    /// Feeds the pending bytes to the codec, and returns where in the buffer the file's data is.
    fn decode_pending(&mut self) -> Result<Range<usize>, ClientError> {
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
    until_done(|| connection.flush())
}

fn read(connection: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    until_done(|| connection.read(buffer))
}

fn check(status: Status) -> Result<(), ClientError> {
    match status {
        Status::File => Ok(()),
        Status::NotFound => Err(ClientError::NotFound),
        Status::Malformed => Err(ClientError::Malformed),
    }
}
