//! The response up to its data (R3), which a server encodes.

use crate::wire::{MAGIC, RESPONSE_HEADER, RESPONSE_TYPE};

/// The status of a response (R3).
#[expect(clippy::exhaustive_enums, reason = "R3 lists every status; a new one is a new protocol")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Status {
    /// The server has no file of that name (R8).
    NotFound = 0,
    /// The file's bytes follow.
    File = 1,
    /// The request was malformed (R5).
    Malformed = 2,
}

impl Status {
    /// The status with this number on the wire.
    pub(crate) const fn from_octet(octet: u8) -> Option<Self> {
        match octet {
            0 => Some(Self::NotFound),
            1 => Some(Self::File),
            2 => Some(Self::Malformed),
            _ => None,
        }
    }
}

/// The first 8 bytes of a response: a status and the length of the data that follows (R3).
///
/// ```
/// use fetchlet_codec::{ResponseHeader, Status};
///
/// assert_eq!(ResponseHeader::file(5).encode(), *b"\x49\x7E\x02\x01\x00\x00\x00\x05");
/// let not_found = ResponseHeader::without_data(Status::NotFound);
/// assert_eq!(not_found.encode(), *b"\x49\x7E\x02\x00\x00\x00\x00\x00");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResponseHeader {
    status: Status,
    data_len: u32,
}

impl ResponseHeader {
    /// A file of `data_len` bytes follows.
    pub const fn file(data_len: u32) -> Self {
        Self { status: Status::File, data_len }
    }

    /// A response without data. With [`Status::File`], the response announces an empty file.
    pub const fn without_data(status: Status) -> Self {
        Self { status, data_len: 0 }
    }

    /// The server's answer.
    pub const fn status(self) -> Status {
        self.status
    }

    /// The length of the data that follows the header, in bytes; 0 unless the status is
    /// [`Status::File`].
    pub const fn data_len(self) -> u32 {
        self.data_len
    }

    /// The header as 8 bytes for the wire.
    pub const fn encode(self) -> [u8; RESPONSE_HEADER] {
        let [m0, m1] = MAGIC;
        let [n0, n1, n2, n3] = self.data_len.to_be_bytes();
        [m0, m1, RESPONSE_TYPE, self.status as u8, n0, n1, n2, n3]
    }
}
