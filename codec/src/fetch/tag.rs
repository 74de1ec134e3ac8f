//! What tells one version of a file from another: the digest and the tag (R23).

use core::fmt;

/// The SHA-256 of a whole file (R19).
///
/// ```
/// use fetchlet_codec::Digest;
///
/// let digest = Digest::new([0xAB; 32]);
/// assert_eq!(digest.tag().as_bytes(), &[0xAB; 16]);
/// assert_eq!(digest.to_string(), "ab".repeat(32));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Digest([u8; Self::LEN]);

impl Digest {
    /// The length of a digest, in bytes.
    pub const LEN: usize = 32;

    /// The digest of these bytes.
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The tag of a file with this digest: the first 16 bytes (R23).
    pub fn tag(&self) -> Tag {
        let (tag, _) = self.0.split_first_chunk().unwrap_or((&[0; Tag::LEN], &[]));
        Tag(*tag)
    }
}

/// The tag of a version of a file (R23): the first 16 bytes of the file's SHA-256, or a hint that
/// says nothing about the content. Which of the two it is, flag `02` says: see
/// [`Version`](crate::Version).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tag([u8; Self::LEN]);

impl Tag {
    /// The length of a tag, in bytes.
    pub const LEN: usize = 16;

    /// The tag of these bytes.
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The tag's bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

/// Writes two lower-case hexadecimal digits per byte.
fn hexadecimal(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
