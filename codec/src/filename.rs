//! The name of a file: 1 to 1024 bytes of UTF-8 (R2), kept in a buffer of a chosen size.

use core::fmt;
use core::str::FromStr;

use heapless::String;

use crate::MAX_FILENAME;

/// The name of a file, of 1 to `N` bytes; `N` is 1 to 1024, else it does not compile.
///
/// The protocol gives names no structure (R2). What a server makes of `/`, `..` and control
/// characters is its own affair (R8); escape names before showing them to a person.
///
/// ```
/// use fetchlet_codec::{Filename, FilenameError};
///
/// let name = Filename::<16>::new("firmware/v2.bin")?;
/// assert_eq!(name.as_str(), "firmware/v2.bin");
/// assert_eq!(Filename::<8>::new("firmware/v2.bin"), Err(FilenameError::TooLong { len: 15, max: 8 }));
/// # Ok::<(), FilenameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Filename<const N: usize = MAX_FILENAME>(String<N, u16>);

impl<const N: usize> Filename<N> {
    /// `N`, proven to be within R2 when the program is compiled.
    pub(crate) const MAX: u16 = {
        assert!(N >= 1 && N <= MAX_FILENAME, "a filename holds 1 to 1024 bytes (R2)");
        #[expect(clippy::cast_possible_truncation, reason = "at most 1024, asserted above")]
        let max = N as u16;
        max
    };

    /// Checks a name and keeps a copy of it.
    ///
    /// # Errors
    ///
    /// [`FilenameError::Empty`], or [`FilenameError::TooLong`] with more than `N` bytes (R2).
    pub fn new(name: &str) -> Result<Self, FilenameError> {
        if name.is_empty() {
            return Err(FilenameError::Empty);
        }
        let too_long = FilenameError::TooLong { len: name.len(), max: Self::MAX.into() };
        String::try_from(name).map(Self).map_err(|_| too_long)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name's length, 1 to `N` bytes.
    pub(crate) fn len(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(Self::MAX)
    }
}

impl<const N: usize> AsRef<str> for Filename<N> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> FromStr for Filename<N> {
    type Err = FilenameError;

    fn from_str(name: &str) -> Result<Self, FilenameError> {
        Self::new(name)
    }
}

impl<const N: usize> TryFrom<&str> for Filename<N> {
    type Error = FilenameError;

    fn try_from(name: &str) -> Result<Self, FilenameError> {
        Self::new(name)
    }
}

impl<const N: usize> fmt::Debug for Filename<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Filename<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str:?}", self.as_str());
    }
}

/// A name that no request can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FilenameError {
    /// R2: a name has at least one byte.
    Empty,
    /// R2, or the smaller bound of this [`Filename`].
    TooLong {
        /// The name's length, in bytes.
        len: usize,
        /// The longest allowed, in bytes.
        max: usize,
    },
}

impl fmt::Display for FilenameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the filename is empty (R2)"),
            Self::TooLong { len, max } => {
                write!(f, "the filename has {len} bytes, at most {max} are allowed (R2)")
            }
        }
    }
}

impl core::error::Error for FilenameError {}
