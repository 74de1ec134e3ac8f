//! The FETCH request (R18).

use heapless::Vec;

use super::tag::Tag;
use super::terms::{Condition, Terms};
use super::version::Version;
use crate::request::copy_from;
use crate::wire::{FETCH_REQUEST_HEADER, FETCH_REQUEST_TYPE};
use crate::{BufferTooSmall, Filename, MAGIC, MAX_FILENAME};

/// The number of bytes between the length and the filename: flags, offset, limit, tag (R18).
const FIELDS_LEN: u16 = 29;

/// A request for a part of a file, or for what there is to know of it (R18).
///
/// A new request asks for the whole file. The other methods return a request that asks for
/// something else; none returns one that R18 calls malformed. Two requests are equal if their bytes
/// are.
///
/// ```
/// use fetchlet_codec::{FetchRequest, Filename, Tag, Version};
///
/// let name = Filename::<64>::new("h.txt")?;
/// let all = FetchRequest::new(name.clone()).want_digest();
/// assert_eq!((all.offset(), all.max_data_len()), (0, u32::MAX));
///
/// // Go on from byte 3, if the file is still this one.
/// let version = Version::from_hint(5, Tag::new([7; 16]))?;
/// let rest = FetchRequest::new(name).from_offset(3).if_version(version);
/// let mut out = [0; 64];
/// let len = rest.encode(&mut out)?;
/// assert_eq!(out[..6], *b"\x49\x7E\x03\x00\x22\x02");
/// assert_eq!(out[len - 5..len], *b"h.txt");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FetchRequest<const N: usize = MAX_FILENAME> {
    filename: Filename<N>,
    terms: Terms,
}

impl<const N: usize> FetchRequest<N> {
    /// A request for the whole file of this name, without conditions.
    pub const fn new(filename: Filename<N>) -> Self {
        Self { filename, terms: Terms::ALL }
    }

    /// Asks for the bytes from `offset` on. An earlier [`if_other_tag`](Self::if_other_tag) no
    /// longer holds: R18 allows that condition no offset.
    #[expect(clippy::wrong_self_convention, reason = "a request from an offset, not a conversion")]
    #[must_use]
    pub const fn from_offset(mut self, offset: u64) -> Self {
        self.terms.offset = offset;
        if matches!(self.terms.condition, Condition::IfOtherTag(_)) {
            self.terms.condition = Condition::None;
        }
        self
    }

    /// Asks for at most `limit` bytes of data; with 0 for none, only for what there is to know.
    #[must_use]
    pub const fn limit(mut self, limit: u32) -> Self {
        self.terms.limit = limit;
        self
    }

    /// Asks for data only if the file's tag is this one (flag `02`). Replaces other conditions.
    ///
    /// Who keeps the whole version asks with [`if_version`](Self::if_version), which checks more of
    /// the answer.
    #[must_use]
    pub const fn if_tag(mut self, tag: Tag) -> Self {
        self.terms.condition = Condition::IfTag(tag);
        self.terms.kept = None;
        self
    }

    /// Asks for data only if the file is this version (flag `02`). Replaces other conditions.
    ///
    /// The request on the wire is that of [`if_tag`](Self::if_tag); in addition, [`Fetch`] refuses
    /// data of a file with another total or another flag `02` (R22).
    ///
    /// [`Fetch`]: crate::Fetch
    #[must_use]
    pub const fn if_version(mut self, version: Version) -> Self {
        self.terms.condition = Condition::IfTag(version.tag());
        self.terms.kept = Some(version);
        self
    }

    /// Asks for data only if the file's tag is another (flag `04`): has the file changed? Replaces
    /// other conditions, and sets the offset to 0 (R18).
    #[must_use]
    pub const fn if_other_tag(mut self, tag: Tag) -> Self {
        self.terms.condition = Condition::IfOtherTag(tag);
        self.terms.kept = None;
        self.terms.offset = 0;
        self
    }

    /// Asks for the file's SHA-256 (flag `01`).
    #[must_use]
    pub const fn want_digest(mut self) -> Self {
        self.terms.wants_digest = true;
        self
    }

    /// Asks for the file's modification time (flag `10`).
    #[must_use]
    pub const fn want_modified(mut self) -> Self {
        self.terms.wants_modified = true;
        self
    }

    /// The requested file's name.
    pub const fn filename(&self) -> &Filename<N> {
        &self.filename
    }

    /// Returns the requested file's name by value.
    pub fn into_filename(self) -> Filename<N> {
        self.filename
    }

    /// The offset of the first byte wanted; 0 if the condition is [`Condition::IfOtherTag`].
    pub const fn offset(&self) -> u64 {
        self.terms.offset
    }

    /// The most bytes of data wanted.
    pub const fn max_data_len(&self) -> u32 {
        self.terms.limit
    }

    /// The condition for data.
    pub const fn condition(&self) -> Condition {
        self.terms.condition
    }

    /// Whether the file's SHA-256 is wanted.
    pub const fn wants_digest(&self) -> bool {
        self.terms.wants_digest
    }

    /// Whether the file's modification time is wanted.
    pub const fn wants_modified(&self) -> bool {
        self.terms.wants_modified
    }

    /// The length of the encoded request, in bytes: 34 and the filename's length.
    pub fn encoded_len(&self) -> usize {
        FETCH_REQUEST_HEADER.saturating_add(self.filename.len().into())
    }

    /// Writes the encoded request to the start of `out`. Returns its length, in bytes.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] if `out` is shorter than [`encoded_len`](Self::encoded_len); nothing is
    /// written then.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        if out.len() < needed {
            return Err(BufferTooSmall { needed, available: out.len() });
        }
        Ok(self.encode_from(0, out))
    }

    /// A request of these fields.
    pub(crate) const fn with_terms(filename: Filename<N>, terms: Terms) -> Self {
        Self { filename, terms }
    }

    /// All fields but the filename.
    pub(crate) const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Copies the encoded request from `offset` on, or as much of it as fits, to the start of
    /// `out`. Returns the number of bytes copied.
    pub(crate) fn encode_from(&self, offset: u16, out: &mut [u8]) -> usize {
        let offset = usize::from(offset);
        let header_copied = copy_from(offset, &self.header(), out);
        let room = out.get_mut(header_copied..).unwrap_or_default();
        let name = self.filename.as_str().as_bytes();
        let name_copied = copy_from(offset.saturating_sub(FETCH_REQUEST_HEADER), name, room);
        header_copied.saturating_add(name_copied)
    }

    /// The bytes before the filename.
    fn header(&self) -> Vec<u8, FETCH_REQUEST_HEADER, u8> {
        let mut header = Vec::new();
        for field in [
            &MAGIC[..],
            &[FETCH_REQUEST_TYPE],
            &FIELDS_LEN.saturating_add(self.filename.len()).to_be_bytes(),
            &[self.terms.flags()],
            &self.terms.offset.to_be_bytes(),
            &self.terms.limit.to_be_bytes(),
            self.terms.tag().as_bytes(),
        ] {
            // Never an error: the fields have 34 bytes together.
            header.extend_from_slice(field).ok();
        }
        header
    }
}
