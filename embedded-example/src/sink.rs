//! Where a file's bytes go: any sink, blocks for a flash writer, a checksum on the way.

use crate::crc32::Crc32;

/// Takes a file as it comes.
pub trait Sink {
    /// What can go wrong.
    type Error;

    /// The server has announced `len` bytes: refuse them, or prepare (erase flash, say).
    ///
    /// # Errors
    ///
    /// The sink's own; the transfer then ends with it, and no data is given.
    fn begin(&mut self, len: u32) -> Result<(), Self::Error>;

    /// Takes the next bytes, all of them; at most `len` in all. It may block: the peer then waits.
    ///
    /// # Errors
    ///
    /// The sink's own; the transfer then ends with it.
    fn write(&mut self, data: &[u8]) -> Result<(), Self::Error>;

    /// All `len` bytes were given: the file is whole (R12).
    ///
    /// # Errors
    ///
    /// The sink's own; the transfer then ends with it.
    fn finish(&mut self) -> Result<(), Self::Error>;
}

impl<S: Sink> Sink for &mut S {
    type Error = S::Error;

    fn begin(&mut self, len: u32) -> Result<(), Self::Error> {
        (**self).begin(len)
    }

    fn write(&mut self, data: &[u8]) -> Result<(), Self::Error> {
        (**self).write(data)
    }

    fn finish(&mut self) -> Result<(), Self::Error> {
        (**self).finish()
    }
}

/// A piece of a file at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Block<'a, const N: usize> {
    /// A whole block.
    Whole(&'a [u8; N]),
    /// The file's last bytes, 1 to `N - 1` of them; the last call there is.
    Tail(&'a [u8]),
}

/// Writes blocks: what a flash driver has to offer.
pub trait BlockWriter<const N: usize> {
    /// What can go wrong.
    type Error;

    /// A file of `len` bytes will come; see [`Sink::begin`].
    ///
    /// # Errors
    ///
    /// The writer's own.
    fn begin(&mut self, len: u32) -> Result<(), Self::Error>;

    /// Writes a block at `offset` bytes into the file, a multiple of `N`; in order, none twice.
    ///
    /// # Errors
    ///
    /// The writer's own.
    fn write(&mut self, offset: u32, block: Block<'_, N>) -> Result<(), Self::Error>;
}

/// Cuts a file into blocks of `N` bytes, so that a flash driver never sees an odd cut.
///
/// The blocks are aligned to 4 bytes in memory, as DMA and word-wise flash want them. `N` is at
/// least 1, else it does not compile.
///
/// ```
/// use fetchlet_embedded_example::{Block, BlockWriter, Blocks, Sink};
///
/// struct Print;
/// impl BlockWriter<4> for Print {
///     type Error = core::convert::Infallible;
///     fn begin(&mut self, len: u32) -> Result<(), Self::Error> {
///         assert_eq!(len, 6);
///         Ok(())
///     }
///     fn write(&mut self, offset: u32, block: Block<'_, 4>) -> Result<(), Self::Error> {
///         match block {
///             Block::Whole(bytes) => assert_eq!((offset, bytes), (0, b"firm")),
///             Block::Tail(bytes) => assert_eq!((offset, bytes), (4, &b"wa"[..])),
///         }
///         Ok(())
///     }
/// }
///
/// let mut blocks = Blocks::new(Print);
/// blocks.begin(6)?;
/// blocks.write(b"f")?;
/// blocks.write(b"irmwa")?;
/// blocks.finish()?;
/// # Ok::<(), core::convert::Infallible>(())
/// ```
#[derive(Debug)]
pub struct Blocks<W, const N: usize> {
    writer: W,
    buffer: Aligned<N>,
    filled: usize,
    offset: u32,
}

#[derive(Debug)]
#[repr(align(4))]
struct Aligned<const N: usize>([u8; N]);

impl<W: BlockWriter<N>, const N: usize> Blocks<W, N> {
    /// Blocks for `writer`.
    pub const fn new(writer: W) -> Self {
        const { assert!(N > 0, "a block has at least a byte") };
        Self { writer, buffer: Aligned([0; N]), filled: 0, offset: 0 }
    }

    /// Gives the writer back.
    pub fn into_inner(self) -> W {
        self.writer
    }
}

impl<W: BlockWriter<N>, const N: usize> Sink for Blocks<W, N> {
    type Error = W::Error;

    fn begin(&mut self, len: u32) -> Result<(), W::Error> {
        (self.filled, self.offset) = (0, 0);
        self.writer.begin(len)
    }

    fn write(&mut self, mut data: &[u8]) -> Result<(), W::Error> {
        while !data.is_empty() {
            let room = self.buffer.0.get_mut(self.filled..).unwrap_or_default();
            let len = room.len().min(data.len());
            for (slot, byte) in room.iter_mut().zip(data) {
                *slot = *byte;
            }
            data = data.get(len..).unwrap_or_default();
            self.filled += len;
            if self.filled == N {
                let offset = self.offset;
                // A file is shorter than 4 GiB (R3), and so is any offset in it.
                self.offset = offset.wrapping_add(N as u32);
                // Before it may fail: a block is never written twice.
                self.filled = 0;
                self.writer.write(offset, Block::Whole(&self.buffer.0))?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), W::Error> {
        match self.buffer.0.get(..self.filled) {
            None | Some([]) => Ok(()),
            Some(tail) => self.writer.write(self.offset, Block::Tail(tail)),
        }
    }
}

/// Passes a file on, and takes the CRC-32 (the one of zlib, `cksum -o 3` and Ethernet) of it.
///
/// ```
/// use fetchlet_embedded_example::{Checksum, Sink};
/// # struct Null;
/// # impl Sink for Null {
/// #     type Error = core::convert::Infallible;
/// #     fn begin(&mut self, _: u32) -> Result<(), Self::Error> { Ok(()) }
/// #     fn write(&mut self, _: &[u8]) -> Result<(), Self::Error> { Ok(()) }
/// #     fn finish(&mut self) -> Result<(), Self::Error> { Ok(()) }
/// # }
/// let mut sink = Checksum::new(Null);
/// sink.write(b"123456789")?;
/// assert_eq!(sink.crc32(), 0xCBF4_3926);
/// # Ok::<(), core::convert::Infallible>(())
/// ```
#[derive(Clone)]
pub struct Checksum<S> {
    sink: S,
    crc: Crc32,
}

impl<S> Checksum<S> {
    /// A checksum of what `sink` will be given.
    pub const fn new(sink: S) -> Self {
        Self { sink, crc: Crc32::new() }
    }

    /// The CRC-32 of what was given so far.
    pub const fn crc32(&self) -> u32 {
        self.crc.finalize()
    }

    /// Gives the sink back.
    pub fn into_inner(self) -> S {
        self.sink
    }
}

impl<S: Sink> Sink for Checksum<S> {
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
