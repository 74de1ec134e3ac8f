//! Writes one buffer to a file while the next one is read: two threads, a handful of buffers.
//!
//! The copy out of the socket and the copy into the page cache cost about the same, so doing both
//! at once is 1.3 to 1.5 times as fast as one after the other. A file that fits one buffer is
//! written without a second thread, whose start costs more than the write.

use std::fs::File;
use std::io;
use std::mem;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::buffer::{BUFFER_LEN, BufferWriter};
use super::checksum::{Checksum, HashingWriter, Verify};

/// The most buffers in use at once, together 1 MiB: one that is read into, one that is written, and
/// two between them, so that a write that takes long does not stop the reads at once.
const MAX_BUFFERS: usize = 4;

/// A buffer, and where in the buffer the data is.
type FilledBuffer = (Vec<u8>, Range<usize>);

/// Writes a file's data in this thread or in another.
pub(super) enum Pipeline<'scope> {
    /// This thread writes.
    Inline(HashingWriter<&'scope File>),
    /// Another thread writes.
    Threaded(WriterThread<'scope>),
    /// A write has failed, and the error was returned.
    Failed,
}

/// A thread that writes, and the channels to the thread and back.
pub(super) struct WriterThread<'scope> {
    filled: SyncSender<FilledBuffer>,
    written: Receiver<Vec<u8>>,
    /// The number of buffers allocated so far.
    allocated: usize,
    thread: ScopedJoinHandle<'scope, io::Result<Option<Checksum>>>,
}

impl<'scope> Pipeline<'scope> {
    /// Returns a writer to `file` for `data_len` bytes.
    pub(super) fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        file: &'env File,
        data_len: u32,
        verify: Verify,
    ) -> Self {
        let writer = || HashingWriter::new(file, verify);
        let worth_a_thread = u64::from(data_len) > BUFFER_LEN as u64;
        let threaded = worth_a_thread.then(|| WriterThread::spawn(scope, writer()));
        // Where the system gives no thread, the download only takes longer.
        threaded.and_then(Result::ok).map_or_else(|| Self::Inline(writer()), Self::Threaded)
    }
}

impl BufferWriter for Pipeline<'_> {
    fn write(&mut self, buffer: Vec<u8>, data: Range<usize>) -> io::Result<Vec<u8>> {
        let writer = match self {
            Self::Inline(writer) => return writer.write(buffer, data),
            Self::Threaded(writer) => writer,
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
            Self::Inline(writer) => writer.finish(),
            Self::Threaded(writer) => writer.join(),
            Self::Failed => Ok(None),
        }
    }
}

impl<'scope> WriterThread<'scope> {
    fn spawn<'env>(
        scope: &'scope Scope<'scope, 'env>,
        file: HashingWriter<&'env File>,
    ) -> io::Result<Self> {
        let (filled, to_write) = sync_channel(MAX_BUFFERS);
        let (give_back, written) = sync_channel(MAX_BUFFERS);
        let write = move || write_all(file, &to_write, &give_back);
        let thread = Builder::new().name("writer".into()).spawn_scoped(scope, write)?;
        Ok(Self { filled, written, allocated: 1, thread })
    }

    /// Hands a filled buffer to the thread, and returns an empty one; `None` if the thread has
    /// ended.
    fn exchange(&mut self, filled: FilledBuffer) -> Option<Vec<u8>> {
        self.filled.send(filled).ok()?;
        if let Ok(empty) = self.written.try_recv() {
            return Some(empty);
        }
        if self.allocated < MAX_BUFFERS {
            self.allocated += 1;
            return Some(vec![0; BUFFER_LEN]);
        }
        self.written.recv().ok()
    }

    /// Waits until the thread has written every buffer.
    fn join(self) -> io::Result<Option<Checksum>> {
        drop(self.filled);
        drop(self.written);
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn write_all(
    mut file: HashingWriter<&File>,
    to_write: &Receiver<FilledBuffer>,
    give_back: &SyncSender<Vec<u8>>,
) -> io::Result<Option<Checksum>> {
    for (buffer, data) in to_write {
        file.write_all(&buffer[data])?;
        // The reader may have all its data, and be gone.
        give_back.send(buffer).ok();
    }
    file.finish()
}
