//! The trait of everything that takes a file's bytes.

/// Takes the bytes of one file after the other.
///
/// A transfer calls [`begin`](Self::begin) once, then [`write`](Self::write) for each piece, then
/// [`finish`](Self::finish) if the file is whole (R12). After an error, or if the transfer fails,
/// no further call follows for this file.
pub trait Sink {
    /// The sink's own error, which ends the transfer as
    /// [`TransferError::Sink`](crate::TransferError::Sink).
    type Error;

    /// Prepares for a file of `len` bytes, which the server has announced: erase flash, or refuse a
    /// file that is too large.
    ///
    /// # Errors
    ///
    /// The sink's own; the transfer ends with it, and the sink gets no data.
    fn begin(&mut self, len: u32) -> Result<(), Self::Error>;

    /// Takes all bytes of `data`, the next piece of the file; all pieces together have at most the
    /// announced length. The call may block: the server waits meanwhile, up to its own timeout
    /// (R15).
    ///
    /// # Errors
    ///
    /// The sink's own; the transfer ends with it.
    fn write(&mut self, data: &[u8]) -> Result<(), Self::Error>;

    /// Completes the file: every announced byte was written (R12).
    ///
    /// # Errors
    ///
    /// The sink's own; the transfer ends with it.
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
