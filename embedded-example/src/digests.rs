//! The checksums of a file by which its two sides are compared: the device's CRC-32, and SHA-256.

use std::convert::Infallible;
use std::fmt;

use fetchlet_smoltcp::{Crc32Sink, Sink};
use sha2::{Digest, Sha256};

/// The CRC-32 and the SHA-256 of a file, computed as its bytes pass.
#[derive(Clone)]
pub struct Digests {
    crc: Crc32Sink<Discard>,
    sha: Sha256,
}

/// A sink that drops what it is given.
#[derive(Clone)]
struct Discard;

impl Sink for Discard {
    type Error = Infallible;

    fn begin(&mut self, _: u32) -> Result<(), Infallible> {
        Ok(())
    }

    fn write(&mut self, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digests({})", self.sha256())
    }
}

impl Default for Digests {
    fn default() -> Self {
        Self { crc: Crc32Sink::new(Discard), sha: Sha256::new() }
    }
}

impl Digests {
    /// Takes the next bytes of the file.
    pub fn update(&mut self, data: &[u8]) {
        let Ok(()) = self.crc.write(data);
        self.sha.update(data);
    }

    /// The CRC-32 of the bytes so far.
    pub fn crc32(&self) -> Hex {
        Hex(self.crc.crc32().to_be_bytes().into())
    }

    /// The SHA-256 of the bytes so far.
    pub fn sha256(&self) -> Hex {
        Hex(self.sha.clone().finalize().to_vec())
    }
}

/// Bytes that are printed as hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub struct Hex(Vec<u8>);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
