//! A filename that arrives in pieces, checked as it arrives (R5).

use heapless::Vec;

use crate::grammar::take_front;

/// The bytes of a filename that have arrived.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct FilenameBuffer<const N: usize> {
    bytes: Vec<u8, N, u16>,
    /// The length of the whole filename, in bytes.
    len: u16,
    /// The number of leading bytes that are valid UTF-8, so that no piece is checked twice.
    checked: u16,
}

/// The first byte of a filename at which the name stops being UTF-8.
pub(crate) struct NotUtf8 {
    /// The byte's offset in the filename.
    pub offset: u16,
    /// The byte's value.
    pub found: u8,
}

impl<const N: usize> FilenameBuffer<N> {
    /// A filename of `len` bytes, 1 to `N`, of which none has arrived.
    pub(crate) const fn new(len: u16) -> Self {
        Self { bytes: Vec::new(), len, checked: 0 }
    }

    /// The number of bytes that have arrived.
    pub(crate) fn received(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the missing bytes, or as many as there are, off the front of `input`.
    #[inline]
    pub(crate) fn append(&mut self, input: &mut &[u8]) {
        let missing = usize::from(self.len).saturating_sub(self.bytes.len());
        // Never an error: `missing` more bytes make `len`, which is at most `N`.
        self.bytes.extend_from_slice(take_front(input, missing)).ok();
    }

    /// Checks that the bytes so far are UTF-8 (R5); returns the filename once it is whole.
    pub(crate) fn check(&mut self) -> Result<Option<&str>, NotUtf8> {
        if self.bytes.len() < self.len.into() {
            self.check_piece()?;
            return Ok(None);
        }
        match core::str::from_utf8(&self.bytes) {
            Ok(name) => Ok(Some(name)),
            Err(fault) => Err(self.not_utf8(fault.valid_up_to())),
        }
    }

    /// Checks the bytes that are not checked yet. A sequence that is cut at the end may still
    /// become valid, and is checked again with the next piece.
    fn check_piece(&mut self) -> Result<(), NotUtf8> {
        let unchecked = self.bytes.get(self.checked.into()..).unwrap_or_default();
        let valid = match core::str::from_utf8(unchecked) {
            Ok(_) => unchecked.len(),
            Err(fault) if fault.error_len().is_none() => fault.valid_up_to(),
            Err(fault) => {
                let at = usize::from(self.checked).saturating_add(fault.valid_up_to());
                return Err(self.not_utf8(at));
            }
        };
        self.checked = self.checked.saturating_add(u16::try_from(valid).unwrap_or_default());
        Ok(())
    }

    fn not_utf8(&self, offset: usize) -> NotUtf8 {
        let found = self.bytes.get(offset).copied().unwrap_or_default();
        NotUtf8 { offset: u16::try_from(offset).unwrap_or(u16::MAX), found }
    }
}
