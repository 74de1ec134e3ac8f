//! A connection without a network, for tests that try many cuts and buffers.

use std::convert::Infallible;

/// A connection in memory. A read returns bytes of one piece at most; a write takes two bytes.
pub(crate) struct MemoryConnection<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    piece: &'a [u8],
    /// The bytes that were written.
    pub(crate) sent: Vec<u8>,
    flushed: bool,
}

impl<'a> MemoryConnection<'a> {
    /// Makes a connection whose peer sends `pieces` and closes.
    pub(crate) fn new(pieces: &[&'a [u8]]) -> Self {
        // An empty read would mean the end of the connection.
        let pieces: Vec<_> = pieces.iter().copied().filter(|piece| !piece.is_empty()).collect();
        Self { pieces: pieces.into_iter(), piece: &[], sent: Vec::new(), flushed: false }
    }
}

impl embedded_io::ErrorType for MemoryConnection<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for MemoryConnection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        assert!(!buffer.is_empty(), "a read into nothing looks like the end");
        assert!(self.flushed, "waiting for an answer to what was not flushed");
        if self.piece.is_empty() {
            self.piece = self.pieces.next().unwrap_or_default();
        }
        let (now, later) = self.piece.split_at(buffer.len().min(self.piece.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.piece = later;
        Ok(now.len())
    }
}

impl embedded_io::Write for MemoryConnection<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let taken = bytes.len().min(2);
        self.sent.extend_from_slice(&bytes[..taken]);
        self.flushed = false;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.flushed = true;
        Ok(())
    }
}

impl embedded_io_async::Read for MemoryConnection<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io::Read::read(self, buffer)
    }
}

impl embedded_io_async::Write for MemoryConnection<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        embedded_io::Write::flush(self)
    }
}
