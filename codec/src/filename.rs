//! The name of a file: 1 to 1024 bytes of UTF-8 (R2), stored in a buffer of a chosen size.

use core::fmt;
use core::str::FromStr;

use heapless::String;

use crate::MAX_FILENAME;

/// The name of a file, 1 to `N` bytes long. `N` is 1 to 1024; other values do not compile.
///
/// The protocol gives names no structure (R2). The server decides what `/`, `..` and control
/// characters mean (R8). Escape a name before showing the name to a person.
///
/// ```
/// use fetchlet_codec::{Filename, FilenameError};
///
/// let name = Filename::<16>::new("firmware/v2.bin")?;
/// assert_eq!(name.as_str(), "firmware/v2.bin");
/// let too_long = FilenameError::TooLong { len: 15, max: 8 };
/// assert_eq!(Filename::<8>::new("firmware/v2.bin"), Err(too_long));
/// # Ok::<(), FilenameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Filename<const N: usize = MAX_FILENAME>(String<N, u16>);

impl<const N: usize> Filename<N> {
    /// `N` as a `u16`, which the compiler has proven to be within the bounds of R2.
    pub(crate) const MAX: u16 = {
        assert!(N >= 1 && N <= MAX_FILENAME, "a filename holds 1 to 1024 bytes (R2)");
        #[expect(clippy::cast_possible_truncation, reason = "at most 1024, asserted above")]
        let max = N as u16;
        max
    };

    /// Checks the length of `name` and stores a copy.
    ///
    /// # Errors
    ///
    /// [`FilenameError::Empty`] if `name` is empty, [`FilenameError::TooLong`] if `name` has more
    /// than `N` bytes (R2).
    pub fn new(name: &str) -> Result<Self, FilenameError> {
        if name.is_empty() {
            return Err(FilenameError::Empty);
        }
        let too_long = FilenameError::TooLong { len: name.len(), max: Self::MAX.into() };
        String::try_from(name).map(Self).map_err(|_| too_long)
    }

    /// The name as text.
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

/// The reason why a text is not a filename that a request can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FilenameError {
    /// R2: a name has at least one byte.
    Empty,
    /// R2: a name has at most 1024 bytes, or fewer if the [`Filename`] is made for fewer.
    TooLong {
        /// The name's length, in bytes.
        len: usize,
        /// The length of the longest name allowed, in bytes.
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
