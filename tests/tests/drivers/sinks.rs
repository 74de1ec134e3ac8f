//! Sinks for the adapters of embedded-io and embedded-io-async: one has room, one is full.

use std::convert::Infallible;

/// A sink that takes every byte and knows whether all of them were flushed.
#[derive(Debug, Default)]
pub(crate) struct CollectingSink {
    pub(crate) bytes: Vec<u8>,
    flushed: bool,
}

impl CollectingSink {
    /// Returns the file, which was flushed and has `len` bytes.
    pub(crate) fn whole(self, len: u32) -> Vec<u8> {
        assert!(self.flushed, "the sink was not flushed");
        assert_eq!(u32::try_from(self.bytes.len()), Ok(len));
        self.bytes
    }
}

impl embedded_io::ErrorType for CollectingSink {
    type Error = Infallible;
}

impl embedded_io::Write for CollectingSink {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        // Few bytes per write, so that the adapters must write the rest again.
        let taken = bytes.len().min(3);
        self.bytes.extend_from_slice(&bytes[..taken]);
        self.flushed = false;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.flushed = true;
        Ok(())
    }
}

impl embedded_io_async::Write for CollectingSink {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        embedded_io::Write::flush(self)
    }
}

/// A sink with room for this many bytes. A write to the full sink returns 0 and no error.
pub(crate) struct FullSink(pub(crate) usize);

impl embedded_io::ErrorType for FullSink {
    type Error = Infallible;
}

impl embedded_io::Write for FullSink {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        panic!("a file that did not fit was taken for whole");
    }
}

impl embedded_io_async::Write for FullSink {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        embedded_io::Write::flush(self)
    }
}
