//! Where a download's data goes.

use std::io::{self, Write};
use std::ops::Range;

use super::checksum::{Checked, Checksum};

/// Takes data, buffer by buffer.
pub(super) trait Sink {
    /// Takes `buffer[data]`; gives back a buffer to read into.
    fn put(&mut self, buffer: Vec<u8>, data: Range<usize>) -> io::Result<Vec<u8>>;
    /// All was put; its checksum, if that was asked for.
    fn finish(self) -> io::Result<Option<Checksum>>;
}

/// Every call writes to the caller's own sink.
pub(super) struct Direct<'a, W>(pub(super) Checked<&'a mut W>);

impl<W: Write> Sink for Direct<'_, W> {
    fn put(&mut self, buffer: Vec<u8>, data: Range<usize>) -> io::Result<Vec<u8>> {
        self.0.write_all(&buffer[data])?;
        Ok(buffer)
    }

    fn finish(self) -> io::Result<Option<Checksum>> {
        self.0.finish()
    }
}
