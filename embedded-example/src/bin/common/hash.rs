//! Both checksums of a file: the device's CRC-32, and SHA-256 for those who trust no CRC.
#![allow(dead_code, reason = "each program uses a part")]

use std::convert::Infallible;
use std::fmt;

use fetchlet_embedded_example::{Checksum, Sink};
use sha2::{Digest, Sha256};

/// Takes the checksums of what goes by.
#[derive(Clone)]
pub(crate) struct Hasher {
    crc: Checksum<Nowhere>,
    sha: Sha256,
}

#[derive(Clone)]
struct Nowhere;

impl Sink for Nowhere {
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

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.sha256())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self { crc: Checksum::new(Nowhere), sha: Sha256::new() }
    }
}

impl Hasher {
    pub(crate) fn update(&mut self, data: &[u8]) {
        let Ok(()) = self.crc.write(data);
        self.sha.update(data);
    }

    pub(crate) fn crc32(&self) -> Hex {
        Hex(self.crc.crc32().to_be_bytes().into())
    }

    pub(crate) fn sha256(&self) -> Hex {
        Hex(self.sha.clone().finalize().to_vec())
    }
}

/// Bytes, printed as hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hex(Vec<u8>);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
