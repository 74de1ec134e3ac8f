//! The SHA-256 of a file, computed while the file is written: the protocol carries no checksum.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::interrupted::until_done;

/// The name of the hash function stands before the digits, so that other functions can be added.
const PREFIX: &str = "sha256:";

/// The SHA-256 of a file, in text `sha256:` and 64 hexadecimal digits.
///
/// ```
/// use fetchlet::Checksum;
///
/// let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// assert_eq!(empty.parse::<Checksum>()?.to_string(), empty);
/// # Ok::<(), fetchlet::ChecksumError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 32]);

/// A text that is no [`Checksum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("a checksum is sha256: and 64 hexadecimal digits")]
pub struct ChecksumError;

impl FromStr for Checksum {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        let digits = text.strip_prefix(PREFIX).ok_or(ChecksumError)?.as_bytes();
        let mut octets = [0; 32];
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != octets.len() || !rest.is_empty() {
            return Err(ChecksumError);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(ChecksumError);
        for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
            *octet = (digit(*high)? << 4 | digit(*low)?) as u8;
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a download computes the checksum of the data. Every download checks the length (R12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verify {
    /// Compute no checksum.
    #[default]
    None,
    /// Compute the checksum, and return it in the [`Summary`](crate::Summary).
    Compute,
    /// As [`Compute`](Self::Compute), and fail with
    /// [`ClientError::ChecksumDiffers`](crate::ClientError::ChecksumDiffers) unless it is this one.
    Expect(Checksum),
}

/// Writes to another writer, and computes the checksum of the data if [`Verify`] asks for it.
#[derive(Debug)]
pub(super) struct HashingWriter<W> {
    writer: W,
    sha256: Option<Sha256>,
}

impl<W: Write> HashingWriter<W> {
    pub(super) fn new(writer: W, verify: Verify) -> Self {
        let computed = verify != Verify::None;
        Self { writer, sha256: computed.then(Sha256::new) }
    }

    pub(super) fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(data);
        }
        self.writer.write_all(data)
    }

    /// Flushes, and returns the checksum if one is computed.
    pub(super) fn finish(mut self) -> io::Result<Option<Checksum>> {
        until_done(|| self.writer.flush())?;
        Ok(self.sha256.map(|sha256| Checksum(sha256.finalize().into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_fips_180() {
        let mut writer = HashingWriter::new(Vec::new(), Verify::Compute);
        for piece in ["a", "", "bc"] {
            writer.write_all(piece.as_bytes()).unwrap();
        }
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(writer.finish().unwrap().unwrap().to_string(), expected);
        assert_eq!(expected.replace("ba", "BA").parse::<Checksum>().unwrap().to_string(), expected);
    }

    #[test]
    fn what_is_no_checksum_is_refused() {
        let digits = "0".repeat(64);
        for text in [
            String::new(),
            digits.clone(),
            format!("md5:{digits}"),
            format!("sha256:{digits}0"),
            format!("sha256:{digits}00"),
            format!("sha256:{}", &digits[1..]),
            format!("sha256:{}+1", &digits[2..]),
            format!("sha256:{}ü", &digits[2..]),
        ] {
            assert_eq!(text.parse::<Checksum>(), Err(ChecksumError), "{text:?}");
        }
    }
}
