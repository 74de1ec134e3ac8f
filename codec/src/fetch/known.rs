//! What a response tells of the file (R19).

use super::answer::AnswerError;
use super::tag::{Digest, Tag};
use super::version::Version;

/// Flag of R19: the digest is there.
pub(crate) const HAS_DIGEST: u8 = 0x01;

/// Flag of R19: the tag comes from the content.
pub(crate) const TAG_FROM_CONTENT: u8 = 0x02;

/// Flag of R19: the modification time is there.
pub(crate) const HAS_MODIFIED: u8 = 0x10;

/// The length of the known part without a digest and a time, in bytes (R19).
pub(crate) const LEAST_KNOWN: u8 = 34;

/// The length of a digest in the known part, in bytes (R19).
const DIGEST_LEN: u8 = 32;

/// The length of a modification time in the known part, in bytes (R19).
const MODIFIED_LEN: u8 = 8;

/// What a FETCH response tells of the file (R19): its version, the offset of the answer, and what
/// was asked for and is known.
///
/// ```
/// use fetchlet_codec::{Known, Tag, Version};
///
/// let version = Version::from_hint(5, Tag::new([7; 16]))?;
/// let known = Known::new(version, 3).with_modified(1_764_000_000_000_000_000);
/// assert_eq!((known.total(), known.offset(), known.digest()), (5, 3, None));
/// # Ok::<(), fetchlet_codec::AnswerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Known {
    version: Version,
    offset: u64,
    digest: Option<Digest>,
    modified: Option<i64>,
}

impl Known {
    /// A version of a file, in an answer to a request from `offset` on.
    pub const fn new(version: Version, offset: u64) -> Self {
        Self { version, offset, digest: None, modified: None }
    }

    /// What is known with these fields, of which the digest has been checked.
    pub(crate) const fn with_fields(
        version: Version,
        offset: u64,
        digest: Option<Digest>,
        modified: Option<i64>,
    ) -> Self {
        Self { version, offset, digest, modified }
    }

    /// Adds the digest. Only an answer to a request that wants it may have it (R22).
    ///
    /// # Errors
    ///
    /// [`AnswerError::OtherDigest`] if the tag comes from the content, and the digest does not
    /// begin with it.
    pub fn with_digest(mut self, digest: Digest) -> Result<Self, AnswerError> {
        if self.version.tag_from_content() && digest.tag() != self.version.tag() {
            return Err(AnswerError::OtherDigest);
        }
        self.digest = Some(digest);
        Ok(self)
    }

    /// Adds the modification time, in nanoseconds since 1970, negative before.
    pub const fn with_modified(mut self, modified: i64) -> Self {
        self.modified = Some(modified);
        self
    }

    /// The version: tag, flag `02` and total together, as a client keeps them.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The whole file's length, 0 to 2^63 - 1 bytes.
    pub const fn total(&self) -> u64 {
        self.version.total()
    }

    /// The offset of the request, in bytes.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The tag of the version.
    pub const fn tag(&self) -> Tag {
        self.version.tag()
    }

    /// Whether the tag is the first half of the file's SHA-256 (R23).
    pub const fn tag_from_content(&self) -> bool {
        self.version.tag_from_content()
    }

    /// The SHA-256 of the whole file, if it was asked for and the server knows it.
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The modification time in nanoseconds since 1970, negative before; `None` unless the server
    /// sent it.
    pub const fn modified(&self) -> Option<i64> {
        self.modified
    }

    /// The flags of R19.
    pub(crate) fn flags(&self) -> u8 {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        flag(self.digest.is_some(), HAS_DIGEST)
            | flag(self.version.tag_from_content(), TAG_FROM_CONTENT)
            | flag(self.modified.is_some(), HAS_MODIFIED)
    }

    /// The length of the known part when encoded, 34 to 74 bytes.
    pub(crate) fn encoded_len(&self) -> u8 {
        least_known_len(self.flags())
    }
}

/// The least length of a known part with these flags, in bytes (R19).
pub(crate) fn least_known_len(flags: u8) -> u8 {
    let digest = if flags & HAS_DIGEST == 0 { 0 } else { DIGEST_LEN };
    let modified = if flags & HAS_MODIFIED == 0 { 0 } else { MODIFIED_LEN };
    LEAST_KNOWN.saturating_add(digest).saturating_add(modified)
}
