//! A FETCH request without its filename: which part of the file, and on which condition (R18).

use super::tag::Tag;
use super::version::Version;
use crate::MAX_TOTAL;

/// Flag of R18: the digest is wanted.
pub(crate) const DIGEST_WANTED: u8 = 0x01;

/// Flag of R18: only if the tag is this one.
pub(crate) const IF_TAG: u8 = 0x02;

/// Flag of R18: only if the tag is another.
pub(crate) const IF_OTHER_TAG: u8 = 0x04;

/// Flag of R18: the modification time is wanted.
pub(crate) const MODIFIED_WANTED: u8 = 0x10;

/// The condition on which a server sends data (R18).
#[expect(clippy::exhaustive_enums, reason = "a server that ignores a condition mixes two versions")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Condition {
    /// Always.
    None,
    /// Only if the file's tag is this one; flag `02`.
    IfTag(Tag),
    /// Only if the file's tag is another; flag `04`. The offset is then 0.
    IfOtherTag(Tag),
}

/// The fields of a FETCH request but its filename; never such that R18 calls them malformed.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Terms {
    /// 0 if the condition is [`Condition::IfOtherTag`].
    pub offset: u64,
    pub limit: u32,
    pub condition: Condition,
    /// What the client keeps of the version in [`Condition::IfTag`]; never on the wire.
    pub kept: Option<Version>,
    pub wants_digest: bool,
    pub wants_modified: bool,
}

impl Terms {
    /// The whole file, from its start, on no condition.
    pub(crate) const ALL: Self = Self {
        offset: 0,
        limit: u32::MAX,
        condition: Condition::None,
        kept: None,
        wants_digest: false,
        wants_modified: false,
    };

    /// The flags of R18.
    pub(crate) fn flags(&self) -> u8 {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let condition = match self.condition {
            Condition::None => 0,
            Condition::IfTag(_) => IF_TAG,
            Condition::IfOtherTag(_) => IF_OTHER_TAG,
        };
        flag(self.wants_digest, DIGEST_WANTED)
            | condition
            | flag(self.wants_modified, MODIFIED_WANTED)
    }

    /// The tag of the condition, else 16 bytes 0 (R18).
    pub(crate) fn tag(&self) -> Tag {
        match self.condition {
            Condition::None => Tag::new([0; Tag::LEN]),
            Condition::IfTag(tag) | Condition::IfOtherTag(tag) => tag,
        }
    }

    /// The largest total that a response with data may tell: the kept one (R22), if there is one.
    pub(crate) fn max_total(&self) -> u64 {
        self.kept.map_or(MAX_TOTAL, |kept| kept.total())
    }
}

/// Equal if their bytes on the wire are.
impl PartialEq for Terms {
    fn eq(&self, other: &Self) -> bool {
        let wire = |terms: &Self| (terms.offset, terms.limit, terms.condition, terms.flags());
        wire(self) == wire(other)
    }
}

impl Eq for Terms {}
