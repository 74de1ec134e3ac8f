//! A sink that cuts a file into blocks of one size, as flash drivers want them.

use crate::sink::Sink;

/// A block of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "a block has all its bytes or is the last one")]
pub enum Block<'a, const N: usize> {
    /// A block of `N` bytes.
    Whole(&'a [u8; N]),
    /// The file's last 1 to `N - 1` bytes; no further block follows.
    Tail(&'a [u8]),
}

/// Writes blocks of `N` bytes: the interface that a flash driver offers to [`Blocks`].
pub trait BlockWriter<const N: usize> {
    /// The writer's own error.
    type Error;

    /// Prepares for a file of `len` bytes; see [`Sink::begin`].
    ///
    /// # Errors
    ///
    /// The writer's own.
    fn begin(&mut self, len: u32) -> Result<(), Self::Error>;

    /// Writes a block at `offset` bytes into the file. Offsets are multiples of `N` and ascend; no
    /// block is written twice.
    ///
    /// # Errors
    ///
    /// The writer's own.
    fn write(&mut self, offset: u32, block: Block<'_, N>) -> Result<(), Self::Error>;
}

/// Cuts a file into blocks of `N` bytes for a [`BlockWriter`], wherever TCP has cut the file.
///
/// The blocks are aligned to 4 bytes in memory, as DMA and word-wise flash want them. `N` is at
/// least 1, else the code does not compile.
///
/// ```
/// use fetchlet_smoltcp::{Block, BlockWriter, Blocks, Sink};
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
    /// Cuts files into blocks for `writer`.
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
                // Before the write, which may fail: a block is never written twice.
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
