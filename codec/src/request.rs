//! The request (R2), which a client encodes.

use crate::wire::REQUEST_TYPE;
use crate::{BufferTooSmall, Filename, MAGIC, MAX_FILENAME, REQUEST_HEADER};

/// A request for a file by name (R2).
///
/// ```
/// use fetchlet_codec::{Filename, Request};
///
/// let request = Request::<1024>::new(Filename::new("h.txt")?);
/// let mut out = [0; 16];
/// let len = request.encode(&mut out)?;
/// assert_eq!(out[..len], *b"\x49\x7E\x01\x00\x05h.txt");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request<const N: usize = MAX_FILENAME> {
    filename: Filename<N>,
}

impl<const N: usize> Request<N> {
    /// A request for the file of this name.
    pub const fn new(filename: Filename<N>) -> Self {
        Self { filename }
    }

    /// The requested file's name.
    pub const fn filename(&self) -> &Filename<N> {
        &self.filename
    }

    /// Returns the requested file's name by value.
    pub fn into_filename(self) -> Filename<N> {
        self.filename
    }

    /// The length of the encoded request, in bytes: 5 and the filename's length.
    pub fn encoded_len(&self) -> usize {
        REQUEST_HEADER.saturating_add(self.filename.len().into())
    }

    /// Writes the encoded request to the start of `out`. Returns its length, in bytes.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] if `out` is shorter than [`encoded_len`](Self::encoded_len); nothing is
    /// written then.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        if out.len() < needed {
            return Err(BufferTooSmall { needed, available: out.len() });
        }
        Ok(self.encode_from(0, out))
    }

    /// Copies the encoded request from `offset` on, or as much of it as fits, to the start of
    /// `out`. Returns the number of bytes copied.
    pub(crate) fn encode_from(&self, offset: u16, out: &mut [u8]) -> usize {
        let [m0, m1] = MAGIC;
        let [high, low] = self.filename.len().to_be_bytes();
        let header = [m0, m1, REQUEST_TYPE, high, low];
        let name = self.filename.as_str().as_bytes();
        let offset = usize::from(offset);
        let header_copied = copy_from(offset, &header, out);
        let room = out.get_mut(header_copied..).unwrap_or_default();
        let name_copied = copy_from(offset.saturating_sub(REQUEST_HEADER), name, room);
        header_copied.saturating_add(name_copied)
    }
}

/// Copies `bytes` from `offset` on, or as many of them as fit, to the start of `out`. Returns the
/// number of bytes copied.
pub(crate) fn copy_from(offset: usize, bytes: &[u8], out: &mut [u8]) -> usize {
    let bytes = bytes.get(offset..).unwrap_or_default();
    out.iter_mut().zip(bytes).map(|(slot, byte)| *slot = *byte).count()
}
