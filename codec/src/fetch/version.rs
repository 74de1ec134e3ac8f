//! The version of a file: what a client keeps to go on later, and a server compares (R22, R23).

use super::answer::AnswerError;
use super::tag::{Digest, Tag};
use crate::MAX_TOTAL;

/// A version of a file: its tag, whether the tag comes from the content, and its length.
///
/// A client keeps the version of a file that it has not whole, and asks with
/// [`FetchRequest::if_version`](crate::FetchRequest::if_version) for the rest of just that version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Version {
    total: u64,
    tag: Tag,
    tag_from_content: bool,
}

impl Version {
    /// The version of a file of `total` bytes with this SHA-256: flag `02` is set.
    ///
    /// # Errors
    ///
    /// [`AnswerError::TotalTooLarge`] if `total` is above [`MAX_TOTAL`].
    pub fn from_digest(total: u64, digest: &Digest) -> Result<Self, AnswerError> {
        Self::new(total, digest.tag(), true)
    }

    /// The version of a file of `total` bytes of which no more than a hint is known (R23).
    ///
    /// # Errors
    ///
    /// [`AnswerError::TotalTooLarge`] if `total` is above [`MAX_TOTAL`].
    pub const fn from_hint(total: u64, hint: Tag) -> Result<Self, AnswerError> {
        Self::new(total, hint, false)
    }

    /// The version with these fields; `tag_from_content` is flag `02` of R19.
    ///
    /// # Errors
    ///
    /// [`AnswerError::TotalTooLarge`] if `total` is above [`MAX_TOTAL`].
    pub const fn new(total: u64, tag: Tag, tag_from_content: bool) -> Result<Self, AnswerError> {
        if total > MAX_TOTAL {
            return Err(AnswerError::TotalTooLarge { total });
        }
        Ok(Self { total, tag, tag_from_content })
    }

    /// The version with these fields, of which `total` has been checked.
    pub(crate) fn within(total: u64, tag: Tag, tag_from_content: bool) -> Self {
        Self { total: total.min(MAX_TOTAL), tag, tag_from_content }
    }

    /// The whole file's length, 0 to 2^63 - 1 bytes.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The version's tag.
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// Whether the tag is the first half of the file's SHA-256, so that equal tags are equal bytes;
    /// otherwise the tag is a hint (R23).
    pub const fn tag_from_content(&self) -> bool {
        self.tag_from_content
    }
}
