//! The FETCH response up to its data (R19).

use core::ops::Deref;

use heapless::Vec;

use super::answer::AnswerError;
use super::known::Known;
use crate::MAGIC;
use crate::wire::{FETCH_RESPONSE_FIELDS, FETCH_RESPONSE_TYPE};

/// The status of a FETCH response on the wire (R19).
pub(crate) mod status {
    pub(crate) const NOT_FOUND: u8 = 0;
    pub(crate) const DATA: u8 = 1;
    pub(crate) const MALFORMED: u8 = 2;
    pub(crate) const CHANGED: u8 = 3;
    pub(crate) const BEYOND_END: u8 = 4;
    pub(crate) const UNCHANGED: u8 = 5;
    pub(crate) const NOT_NOW: u8 = 6;
}

/// A FETCH response up to its data (R19).
///
/// A server gets the right one from [`ServedFile::answer`](crate::ServedFile::answer), sends the
/// bytes that [`encode`](Self::encode) returns, then [`data_len`](Self::data_len) bytes of the
/// file.
#[expect(clippy::exhaustive_enums, reason = "R19 lists every status; a new one is a new protocol")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FetchResponse {
    /// The server has no file of that name (R8). Status 0.
    NotFound,
    /// `data_len` bytes of the file follow, from the known offset on. Status 1. Made by
    /// [`data`](Self::data).
    #[non_exhaustive]
    Data {
        /// What the server tells of the file.
        known: Known,
        /// The length of the data that follows, in bytes; 0 if the limit is 0, or if the offset is
        /// the file's end.
        data_len: u32,
    },
    /// The request was malformed (R5, R18); the server closes the connection. Status 2.
    Malformed,
    /// The tag is another than asked for with flag `02`. Status 3.
    Changed(Known),
    /// The offset lies beyond the end of the file. Status 4. Made by
    /// [`beyond_end`](Self::beyond_end).
    #[non_exhaustive]
    BeyondEnd(Known),
    /// The tag is the one asked for with flag `04`. Status 5.
    Unchanged(Known),
    /// A fault or a limit of the server's: the client may ask again later. Status 6.
    NotNow {
        /// The time to wait, in seconds, to which the client adds jitter; `None` if the server
        /// names no time.
        retry_after: Option<u16>,
    },
}

impl FetchResponse {
    /// `data_len` bytes of the file follow, from the known offset on.
    ///
    /// # Errors
    ///
    /// [`AnswerError::OffsetBeyondEnd`] if the offset is beyond the end,
    /// [`AnswerError::DataTooLong`] if there is less data, or if it does not fit (R20).
    pub fn data(known: Known, data_len: u32) -> Result<Self, AnswerError> {
        let (offset, total) = (known.offset(), known.total());
        let Some(left) = total.checked_sub(offset) else {
            return Err(AnswerError::OffsetBeyondEnd { offset, total });
        };
        let fits = u32::MAX.saturating_sub(known.encoded_len().into());
        let max = u32::try_from(left).unwrap_or(u32::MAX).min(fits);
        if data_len > max {
            return Err(AnswerError::DataTooLong { data_len, max });
        }
        Ok(Self::Data { known, data_len })
    }

    /// The offset lies beyond the end of the file.
    ///
    /// # Errors
    ///
    /// [`AnswerError::OffsetInFile`] if it does not.
    pub const fn beyond_end(known: Known) -> Result<Self, AnswerError> {
        let (offset, total) = (known.offset(), known.total());
        if offset <= total {
            return Err(AnswerError::OffsetInFile { offset, total });
        }
        Ok(Self::BeyondEnd(known))
    }

    /// The same answer with at most `max` bytes of data, and at least 1 if there were any (R20).
    #[must_use]
    pub fn at_most(self, max: u32) -> Self {
        match self {
            Self::Data { known, data_len } => {
                Self::Data { known, data_len: data_len.min(max.max(1)) }
            }
            other => other,
        }
    }

    /// What the server tells of the file; `None` with status 0, 2 and 6.
    pub const fn known(&self) -> Option<&Known> {
        match self {
            Self::Data { known, .. }
            | Self::Changed(known)
            | Self::BeyondEnd(known)
            | Self::Unchanged(known) => Some(known),
            Self::NotFound | Self::Malformed | Self::NotNow { .. } => None,
        }
    }

    /// The length of the data that follows, in bytes; 0 unless the status is 1.
    pub const fn data_len(&self) -> u32 {
        match self {
            Self::Data { data_len, .. } => *data_len,
            _ => 0,
        }
    }

    /// The response up to its data, as 8 to 82 bytes for the wire.
    pub fn encode(&self) -> FetchResponseHead {
        let status = match self {
            Self::NotFound => status::NOT_FOUND,
            Self::Data { .. } => status::DATA,
            Self::Malformed => status::MALFORMED,
            Self::Changed(_) => status::CHANGED,
            Self::BeyondEnd(_) => status::BEYOND_END,
            Self::Unchanged(_) => status::UNCHANGED,
            Self::NotNow { .. } => status::NOT_NOW,
        };
        let mut head = FetchResponseHead(Vec::new());
        head.push(&MAGIC);
        head.push(&[FETCH_RESPONSE_TYPE, status]);
        match self {
            Self::NotFound | Self::Malformed | Self::NotNow { retry_after: None } => {
                head.push(&0_u32.to_be_bytes());
            }
            Self::NotNow { retry_after: Some(seconds) } => {
                head.push(&2_u32.to_be_bytes());
                head.push(&seconds.to_be_bytes());
            }
            Self::Data { known, .. }
            | Self::Changed(known)
            | Self::BeyondEnd(known)
            | Self::Unchanged(known) => head.push_known(known, self.data_len()),
        }
        head
    }
}

/// The encoded bytes of a [`FetchResponse`], 8 to 82.
///
/// ```
/// use fetchlet_codec::FetchResponse;
///
/// let head = FetchResponse::NotNow { retry_after: Some(30) }.encode();
/// assert_eq!(head[..], *b"\x49\x7E\x04\x06\x00\x00\x00\x02\x00\x1E");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FetchResponseHead(Vec<u8, FETCH_RESPONSE_FIELDS, u8>);

impl FetchResponseHead {
    fn push_known(&mut self, known: &Known, data_len: u32) {
        let len = known.encoded_len();
        // Never more than 2^32 - 1: `FetchResponse::data` has checked that.
        self.push(&u32::from(len).saturating_add(data_len).to_be_bytes());
        self.push(&[known.flags(), len]);
        self.push(&known.total().to_be_bytes());
        self.push(&known.offset().to_be_bytes());
        self.push(known.tag().as_bytes());
        if let Some(digest) = known.digest() {
            self.push(digest.as_bytes());
        }
        if let Some(modified) = known.modified() {
            self.push(&modified.to_be_bytes());
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        // Never an error: all fields have 82 bytes together.
        self.0.extend_from_slice(bytes).ok();
    }
}

impl Deref for FetchResponseHead {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for FetchResponseHead {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
