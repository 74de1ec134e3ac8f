//! The error of building an answer that R19 or R22 does not allow.

use core::fmt;

/// The reason why values make no answer that a client would accept (R19, R22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AnswerError {
    /// R19: a file has at most 2^63 - 1 bytes.
    TotalTooLarge {
        /// The length, in bytes.
        total: u64,
    },
    /// R22: the digest does not begin with the tag that comes from the content.
    OtherDigest,
    /// R20: that much data does not follow the offset, or does not fit into one answer.
    DataTooLong {
        /// The length of the data, in bytes.
        data_len: u32,
        /// The most data that can follow, in bytes.
        max: u32,
    },
    /// R22: the offset is not beyond the end of the file.
    OffsetInFile {
        /// The offset, in bytes.
        offset: u64,
        /// The file's length, in bytes.
        total: u64,
    },
    /// R22: the offset is beyond the end of the file, so that no data can follow.
    OffsetBeyondEnd {
        /// The offset, in bytes.
        offset: u64,
        /// The file's length, in bytes.
        total: u64,
    },
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TotalTooLarge { total } => {
                write!(f, "a file of {total} bytes is longer than 2^63 - 1 (R19)")
            }
            Self::OtherDigest => f.write_str("the digest does not begin with the tag (R22)"),
            Self::DataTooLong { data_len, max } => {
                write!(f, "{data_len} bytes of data are announced, but at most {max} fit (R20)")
            }
            Self::OffsetInFile { offset, total } => {
                write!(f, "offset {offset} is not beyond the file's {total} bytes (R22)")
            }
            Self::OffsetBeyondEnd { offset, total } => {
                write!(f, "offset {offset} is beyond the file's {total} bytes (R22)")
            }
        }
    }
}

impl core::error::Error for AnswerError {}
