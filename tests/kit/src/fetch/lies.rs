//! What a server may claim that is not so: a lie for each clause of R22, and for R26.

use super::messages::{CONTENT, DIGEST, FileVersion, IF_OTHER, IF_THIS, RawAnswer, RawFetch};

/// Which rule finds a [`Lie`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client finds a lie by the head or by the hash")]
pub enum Caught {
    /// The response is malformed (R11, R22): nothing of it is written, and what was kept stays.
    Malformed,
    /// The hash of what was read back is wrong (R26): what was kept is dropped.
    Hash,
}

/// A claim of a server that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client must know every one")]
pub enum Lie {
    /// The type is 2.
    OfTheFirstPair,
    /// Status 7.
    UnknownStatus,
    /// Status 0 with a rest of 1 byte.
    NotFoundWithRest,
    /// Status 2 with a rest of 1 byte.
    MalformedWithRest,
    /// Status 6 with a rest of 1 byte.
    NotNowWithOneByte,
    /// Status 6 with a rest of 3 bytes.
    NotNowWithThreeBytes,
    /// The rest is a byte shorter than the known part: `rest - k` wraps.
    RestUnderK,
    /// Status 1 with a rest of 0, and nothing behind it.
    RestOfNothing,
    /// The known part is a byte shorter than its flags say, and so is the rest.
    KUnderLeast,
    /// Flag `04`.
    Flag04,
    /// Flag `08`.
    Flag08,
    /// A total of 2^63.
    HugeTotal,
    /// The offset is not the request's.
    OtherOffset,
    /// A byte more than the limit. Told when the file is longer than that.
    OverLimit,
    /// A byte more than is left of the file.
    BeyondTotal,
    /// No data, for ever.
    NothingForEver,
    /// A digest. Told to a request that wants none.
    UnaskedDigest,
    /// A digest that does not begin with the tag.
    DigestOfAnother,
    /// Status 3. Told to a request without condition `02`.
    ChangedUnasked,
    /// Status 5. Told to a request without condition `04`.
    UnchangedUnasked,
    /// Status 4 to an offset within the file.
    BeyondWithin,
    /// Status 3, rightly, but with data behind the known part. Told to condition `02`.
    ChangedWithData,
    /// The file from its first byte on, and says so. Told to an offset other than 0.
    RangeIgnored,
    /// The file from its first byte on under the offset asked for. Told to an offset other than 0.
    RangeIgnoredUnsaid,
    /// Data, though the total is less than the offset. Told to an offset other than 0.
    DataPastTotal,
    /// The tag of another version with status 1. Told to condition `02`.
    OtherTag,
    /// Another total with the same tag. Told to condition `02`.
    OtherTotal,
    /// The same tag, now of another kind. Told to condition `02`.
    OtherTagKind,
    /// Status 3 with the tag that was asked for. Told to condition `02`.
    ChangedToTheSame,
    /// Status 5 with another tag than was asked for. Told to condition `04`.
    UnchangedOther,
    /// A bit of the first byte of data is wrong.
    WrongBit,
    /// As many bytes as are left, but from the file's first byte on. Told to an offset other than
    /// 0.
    RangeShifted,
    /// The rest of another version of equal length. Told to an offset other than 0.
    HalfOfAnother,
}

impl Lie {
    /// All lies.
    pub const ALL: [Self; 33] = [
        Self::OfTheFirstPair,
        Self::UnknownStatus,
        Self::NotFoundWithRest,
        Self::MalformedWithRest,
        Self::NotNowWithOneByte,
        Self::NotNowWithThreeBytes,
        Self::RestUnderK,
        Self::RestOfNothing,
        Self::KUnderLeast,
        Self::Flag04,
        Self::Flag08,
        Self::HugeTotal,
        Self::OtherOffset,
        Self::OverLimit,
        Self::BeyondTotal,
        Self::NothingForEver,
        Self::UnaskedDigest,
        Self::DigestOfAnother,
        Self::ChangedUnasked,
        Self::UnchangedUnasked,
        Self::BeyondWithin,
        Self::ChangedWithData,
        Self::RangeIgnored,
        Self::RangeIgnoredUnsaid,
        Self::DataPastTotal,
        Self::OtherTag,
        Self::OtherTotal,
        Self::OtherTagKind,
        Self::ChangedToTheSame,
        Self::UnchangedOther,
        Self::WrongBit,
        Self::RangeShifted,
        Self::HalfOfAnother,
    ];

    /// Returns which rule finds this lie, if the version is hashed. Without a hash nothing finds
    /// those of [`Caught::Hash`].
    pub const fn caught(self) -> Caught {
        match self {
            Self::WrongBit | Self::RangeShifted | Self::HalfOfAnother => Caught::Hash,
            _ => Caught::Malformed,
        }
    }

    /// Returns the bytes of the answer that tells this lie to `request`, or `None` if the request
    /// gives no occasion. The file must not be empty.
    pub fn tell(self, request: &RawFetch, version: &FileVersion) -> Option<Vec<u8>> {
        let mut answer = RawAnswer::honest(request, version);
        let is_told = self.bend_head(&mut answer)
            || (self.has_occasion(request, version)
                && self.bend_file(request, version, &mut answer));
        is_told.then(|| self.shorten(&answer))
    }

    /// Encodes the answer, without bytes that this lie leaves out.
    fn shorten(self, answer: &RawAnswer) -> Vec<u8> {
        let mut bytes = answer.encode();
        let last_known = bytes.len() - answer.data.len() - 1;
        match self {
            Self::RestOfNothing => bytes.truncate(8),
            Self::KUnderLeast => drop(bytes.remove(last_known)),
            _ => {}
        }
        bytes
    }

    /// Changes what every response has. Returns whether this lie is about that.
    fn bend_head(self, answer: &mut RawAnswer) -> bool {
        let without_file = |status, rest: usize| RawAnswer {
            data: vec![0; rest],
            ..RawAnswer::without_file(status)
        };
        let rest = answer.encode().len() - 8;
        let known = rest - answer.data.len();
        match self {
            Self::OfTheFirstPair => answer.kind = 2,
            Self::UnknownStatus => answer.status = 7,
            Self::NotFoundWithRest => *answer = without_file(0, 1),
            Self::MalformedWithRest => *answer = without_file(2, 1),
            Self::NotNowWithOneByte => *answer = without_file(6, 1),
            Self::NotNowWithThreeBytes => *answer = without_file(6, 3),
            Self::RestUnderK => answer.rest = u32::try_from(known - 1).ok(),
            Self::RestOfNothing => answer.rest = Some(0),
            Self::KUnderLeast => {
                answer.k = u8::try_from(known - 1).ok();
                answer.rest = u32::try_from(rest - 1).ok();
            }
            Self::Flag04 => answer.flags |= 0x04,
            Self::Flag08 => answer.flags |= 0x08,
            Self::HugeTotal => answer.total = 1 << 63,
            Self::OtherOffset => answer.offset += 1,
            _ => return false,
        }
        true
    }

    fn has_occasion(self, request: &RawFetch, version: &FileVersion) -> bool {
        let left = (version.content.len() as u64).saturating_sub(request.offset);
        let goes_on = request.flags & IF_THIS != 0 && request.offset > 0;
        match self {
            Self::OverLimit => u64::from(request.limit) < left,
            Self::BeyondTotal => u64::from(request.limit) > left,
            Self::NothingForEver | Self::WrongBit => left > 0 && request.limit > 0,
            Self::UnaskedDigest => request.flags & DIGEST == 0,
            Self::DigestOfAnother => request.flags & DIGEST != 0 && version.is_hashed,
            Self::ChangedUnasked => request.flags & IF_THIS == 0,
            Self::UnchangedUnasked => request.flags & IF_OTHER == 0,
            Self::BeyondWithin => left > 0,
            Self::UnchangedOther => request.flags & IF_OTHER != 0,
            _ => goes_on && left > 0 && request.limit > 0,
        }
    }

    /// Changes what is said of the file. Returns whether this lie is about that.
    fn bend_file(self, request: &RawFetch, version: &FileVersion, answer: &mut RawAnswer) -> bool {
        let content = &version.content;
        let left = answer.data.len();
        match self {
            Self::OverLimit | Self::BeyondTotal => answer.data.push(0),
            Self::NothingForEver => answer.data.clear(),
            Self::UnaskedDigest => {
                answer.digest = RawAnswer::honest(&asking_for_digest(request), version)
                    .digest
                    .or(Some([0; 32]));
                answer.flags |= DIGEST;
            }
            Self::DigestOfAnother => {
                answer.digest.iter_mut().for_each(|digest| digest[0] ^= 1);
            }
            Self::ChangedUnasked => set_status(answer, 3),
            Self::UnchangedUnasked => set_status(answer, 5),
            Self::BeyondWithin => set_status(answer, 4),
            Self::ChangedWithData => {
                become_another(answer);
                answer.status = 3;
            }
            Self::RangeIgnored => {
                answer.offset = 0;
                answer.data.clone_from(content);
            }
            Self::RangeIgnoredUnsaid => answer.data.clone_from(content),
            Self::DataPastTotal => answer.total = request.offset - 1,
            Self::OtherTag => become_another(answer),
            Self::OtherTotal => answer.total += 1,
            Self::OtherTagKind => {
                answer.flags ^= CONTENT;
                answer.flags &= !DIGEST;
                answer.digest = None;
            }
            Self::ChangedToTheSame => set_status(answer, 3),
            Self::UnchangedOther => {
                set_status(answer, 5);
                become_another(answer);
            }
            Self::WrongBit => answer.data[0] ^= 1,
            Self::RangeShifted => answer.data = content[..left].to_vec(),
            Self::HalfOfAnother => answer.data.iter_mut().for_each(|byte| *byte = !*byte),
            _ => return false,
        }
        true
    }
}

fn set_status(answer: &mut RawAnswer, status: u8) {
    answer.status = status;
    answer.data.clear();
}

/// Gives the answer the tag, and the digest, of another version.
fn become_another(answer: &mut RawAnswer) {
    answer.tag[0] ^= 1;
    answer.digest.iter_mut().for_each(|digest| digest[0] ^= 1);
}

fn asking_for_digest(request: &RawFetch) -> RawFetch {
    RawFetch { flags: request.flags | DIGEST, ..request.clone() }
}
