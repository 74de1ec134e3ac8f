//! What a server knows of a file, and which answer follows from it (R19, R20, R23).

use super::answer::AnswerError;
use super::known::Known;
use super::request::FetchRequest;
use super::response::FetchResponse;
use super::tag::{Digest, Tag};
use super::terms::Condition;
use super::version::Version;

/// What a server knows of a file that it has opened: its length, its hint, and the digest and the
/// modification time if they are known.
///
/// ```
/// use fetchlet_codec::{FetchRequest, FetchResponse, Filename, ServedFile, Tag};
///
/// let file = ServedFile::new(5, Tag::new([7; 16]))?;
/// let request = FetchRequest::<64>::new(Filename::new("h.txt")?).from_offset(3);
/// let FetchResponse::Data { known, data_len, .. } = file.answer(&request) else { panic!() };
/// assert_eq!((known.total(), data_len), (5, 2));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServedFile {
    hint: Version,
    digest: Option<Digest>,
    modified: Option<i64>,
}

impl ServedFile {
    /// A file of `total` bytes with this hint (R23), of which nothing else is known. A server that
    /// always knows the digest may give any tag as the hint, the digest's as well.
    ///
    /// # Errors
    ///
    /// [`AnswerError::TotalTooLarge`] if `total` is above [`MAX_TOTAL`](crate::MAX_TOTAL).
    pub const fn new(total: u64, hint: Tag) -> Result<Self, AnswerError> {
        match Version::from_hint(total, hint) {
            Ok(hint) => Ok(Self { hint, digest: None, modified: None }),
            Err(error) => Err(error),
        }
    }

    /// Adds the SHA-256 of the whole file, from which the tag is then taken (R23).
    #[must_use]
    pub const fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Adds the modification time, in nanoseconds since 1970, negative before.
    #[must_use]
    pub const fn with_modified(mut self, modified: i64) -> Self {
        self.modified = Some(modified);
        self
    }

    /// The answer to `request`: the first of statuses 3 or 5, 4 and 1 that holds (R19), with as
    /// much data as R20 allows. The server may send less: [`FetchResponse::at_most`].
    ///
    /// A request's tag matches if it is the digest's or the hint, and the answer carries the one
    /// that was asked for (R23).
    pub fn answer<const N: usize>(&self, request: &FetchRequest<N>) -> FetchResponse {
        let (version, is_asked) = self.version_for(request.condition());
        let mut known = Known::new(version, request.offset());
        if let Some(digest) = self.digest.filter(|_| request.wants_digest()) {
            // Never an error: the tag is this digest's or a hint.
            known = known.with_digest(digest).unwrap_or(known);
        }
        if let Some(modified) = self.modified.filter(|_| request.wants_modified()) {
            known = known.with_modified(modified);
        }
        match request.condition() {
            Condition::IfTag(_) if !is_asked => FetchResponse::Changed(known),
            Condition::IfOtherTag(_) if is_asked => FetchResponse::Unchanged(known),
            _ => match known.total().checked_sub(known.offset()) {
                None => FetchResponse::BeyondEnd(known),
                Some(left) => {
                    let fits = u32::MAX.saturating_sub(known.encoded_len().into());
                    let left = u32::try_from(left).unwrap_or(u32::MAX);
                    let data_len = left.min(fits).min(request.max_data_len());
                    FetchResponse::Data { known, data_len }
                }
            },
        }
    }

    /// The version that an answer carries, and whether its tag is the condition's.
    fn version_for(&self, condition: Condition) -> (Version, bool) {
        let asked = match condition {
            Condition::None => None,
            Condition::IfTag(tag) | Condition::IfOtherTag(tag) => Some(tag),
        };
        let of_content =
            self.digest.and_then(|digest| Version::from_digest(self.hint.total(), &digest).ok());
        match of_content {
            Some(version) if Some(version.tag()) == asked => (version, true),
            _ if Some(self.hint.tag()) == asked => (self.hint, true),
            Some(version) => (version, false),
            None => (self.hint, false),
        }
    }
}
