//! The buffers that data is read into, and the writers that such buffers are handed to.

use std::io::{self, Write};
use std::ops::Range;

use super::checksum::{Checksum, HashingWriter};

/// The length of a buffer, in bytes, which bounds how much one system call reads. Chosen by
/// measuring downloads of large files: below 64 KiB the system calls cost time, beyond 256 KiB
/// nothing is gained.
pub(super) const BUFFER_LEN: usize = 256 * 1024;

/// Writes data that arrives buffer by buffer.
pub(super) trait BufferWriter {
    /// Writes `buffer[data]`, and returns a buffer of [`BUFFER_LEN`] bytes for the next data: the
    /// same one or another.
    fn write(&mut self, buffer: Vec<u8>, data: Range<usize>) -> io::Result<Vec<u8>>;

    /// Flushes, and returns the checksum of all data if a checksum is computed.
    fn finish(self) -> io::Result<Option<Checksum>>;
}

impl<W: Write> BufferWriter for HashingWriter<W> {
    fn write(&mut self, buffer: Vec<u8>, data: Range<usize>) -> io::Result<Vec<u8>> {
        self.write_all(&buffer[data])?;
        Ok(buffer)
    }

    fn finish(self) -> io::Result<Option<Checksum>> {
        Self::finish(self)
    }
}
