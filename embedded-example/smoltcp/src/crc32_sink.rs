//! A sink that computes the file's CRC-32 and passes the bytes on.

use crate::crc32::Crc32;
use crate::sink::Sink;

/// Computes a file's CRC-32 (the one of zlib, `cksum -o 3` and Ethernet) and passes the file on.
///
/// ```
/// use fetchlet_smoltcp::{Crc32Sink, Sink};
/// # struct Null;
/// # impl Sink for Null {
/// #     type Error = core::convert::Infallible;
/// #     fn begin(&mut self, _: u32) -> Result<(), Self::Error> { Ok(()) }
/// #     fn write(&mut self, _: &[u8]) -> Result<(), Self::Error> { Ok(()) }
/// #     fn finish(&mut self) -> Result<(), Self::Error> { Ok(()) }
/// # }
/// let mut sink = Crc32Sink::new(Null);
/// sink.write(b"123456789")?;
/// assert_eq!(sink.crc32(), 0xCBF4_3926);
/// # Ok::<(), core::convert::Infallible>(())
/// ```
#[derive(Clone)]
pub struct Crc32Sink<S> {
    sink: S,
    crc: Crc32,
}

impl<S> Crc32Sink<S> {
    /// Computes the checksum of what `sink` will be given.
    pub const fn new(sink: S) -> Self {
        Self { sink, crc: Crc32::new() }
    }

    /// The CRC-32 of the bytes written since the last [`begin`](Sink::begin).
    pub const fn crc32(&self) -> u32 {
        self.crc.finalize()
    }

    /// Gives the sink back.
    pub fn into_inner(self) -> S {
        self.sink
    }
}

impl<S: Sink> Sink for Crc32Sink<S> {
    type Error = S::Error;

    fn begin(&mut self, len: u32) -> Result<(), S::Error> {
        self.crc = Crc32::new();
        self.sink.begin(len)
    }

    fn write(&mut self, data: &[u8]) -> Result<(), S::Error> {
        self.crc.update(data);
        self.sink.write(data)
    }

    fn finish(&mut self) -> Result<(), S::Error> {
        self.sink.finish()
    }
}
