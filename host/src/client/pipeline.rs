//! Writing to a file while the next bytes are read: two threads, a handful of buffers.
//!
//! The copy out of the socket and the copy into the page cache cost about the same, so doing both at
//! once is 1.3 to 1.5 times as fast as one after the other. A file that fits one buffer starts no
//! thread, which is dearer than the write.

use std::fs::File;
use std::io;
use std::mem;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::checksum::{Checked, Checksum, Verify};
use super::response::BUFFER;
use super::sink::Sink;

/// Buffers in use at once, the one being read into included.
const BUFFERS: usize = 4;

type Piece = (Vec<u8>, Range<usize>);

pub(super) enum Pipeline<'scope> {
    Alone(Checked<&'scope File>),
    Beside(Writer<'scope>),
    /// A write failed, which is known already.
    Failed,
}

pub(super) struct Writer<'scope> {
    full: SyncSender<Piece>,
    empty: Receiver<Vec<u8>>,
    allocated: usize,
    thread: ScopedJoinHandle<'scope, io::Result<Option<Checksum>>>,
}

impl<'scope> Pipeline<'scope> {
    /// For a file of `len` bytes.
    pub(super) fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        file: &'env File,
        len: u64,
        verify: Verify,
    ) -> Self {
        let checked = || Checked::new(file, verify);
        let beside = (len > BUFFER as u64).then(|| Writer::spawn(scope, checked()));
        // Where no thread can be had, it only takes longer.
        beside.and_then(Result::ok).map_or_else(|| Self::Alone(checked()), Self::Beside)
    }
}

impl Sink for Pipeline<'_> {
    fn put(&mut self, buffer: Vec<u8>, data: Range<usize>) -> io::Result<Vec<u8>> {
        let writer = match self {
            Self::Alone(file) => return file.write_all(&buffer[data]).map(|()| buffer),
            Self::Beside(writer) => writer,
            Self::Failed => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        if let Some(empty) = writer.exchange((buffer, data)) {
            return Ok(empty);
        }
        // Only a failed write ends the thread early.
        mem::replace(self, Self::Failed).finish().map(|_| Vec::new())
    }

    fn finish(self) -> io::Result<Option<Checksum>> {
        match self {
            Self::Alone(file) => file.finish(),
            Self::Beside(writer) => writer.join(),
            Self::Failed => Ok(None),
        }
    }
}

impl<'scope> Writer<'scope> {
    fn spawn<'env>(
        scope: &'scope Scope<'scope, 'env>,
        file: Checked<&'env File>,
    ) -> io::Result<Self> {
        let (full, pieces) = sync_channel(BUFFERS);
        let (written, empty) = sync_channel(BUFFERS);
        let write = move || write_all(file, &pieces, &written);
        let thread = Builder::new().name("writer".into()).spawn_scoped(scope, write)?;
        Ok(Self { full, empty, allocated: 1, thread })
    }

    /// Hands over a piece for an empty buffer; none if the thread has ended.
    fn exchange(&mut self, piece: Piece) -> Option<Vec<u8>> {
        self.full.send(piece).ok()?;
        if let Ok(empty) = self.empty.try_recv() {
            return Some(empty);
        }
        if self.allocated < BUFFERS {
            self.allocated += 1;
            return Some(vec![0; BUFFER]);
        }
        self.empty.recv().ok()
    }

    /// Waits until all is written.
    fn join(self) -> io::Result<Option<Checksum>> {
        drop(self.full);
        drop(self.empty);
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn write_all(
    mut file: Checked<&File>,
    pieces: &Receiver<Piece>,
    written: &SyncSender<Vec<u8>>,
) -> io::Result<Option<Checksum>> {
    for (buffer, data) in pieces {
        file.write_all(&buffer[data])?;
        // The reader may be done and gone.
        written.send(buffer).ok();
    }
    file.finish()
}
