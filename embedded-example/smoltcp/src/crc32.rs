//! CRC-32, the one of zlib and Ethernet, by tables of 4 KiB for devices or 16 KiB for hosts.

use crc::CRC_32_ISO_HDLC;

/// The checksum of the bytes so far.
#[derive(Clone)]
pub(crate) struct Crc32(u32);

impl Crc32 {
    pub(crate) const fn new() -> Self {
        Self(CRC_32_ISO_HDLC.init)
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0 = tables::update(self.0, data);
    }

    pub(crate) const fn finalize(&self) -> u32 {
        self.0 ^ CRC_32_ISO_HDLC.xorout
    }
}

/// The first 4 of the crate `crc`'s 16 slices: its own choices are 1, half as fast, and 16, which
/// take half of a small device's flash.
#[cfg(not(feature = "crc-large-table"))]
mod tables {
    use crc::{CRC_32_ISO_HDLC, Crc, Table};

    type Slice = [u32; 256];

    /// A slice for each of the 16 bytes that one step takes in.
    const ALL: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

    // One static for each slice: each then has a register of its own, which saves an instruction
    // per byte.
    static SLICE_0: Slice = ALL.table()[0];
    static SLICE_1: Slice = ALL.table()[1];
    static SLICE_2: Slice = ALL.table()[2];
    static SLICE_3: Slice = ALL.table()[3];

    /// Not inlined, so that the optimisation level of this crate holds and not the caller's.
    #[inline(never)]
    pub(super) fn update(mut crc: u32, data: &[u8]) -> u32 {
        let (quads, rest) = data.as_chunks::<16>();
        for quad in quads {
            for next in quad.as_chunks().0 {
                let [a, b, c, d] = (crc ^ u32::from_le_bytes(*next)).to_le_bytes();
                crc = at(&SLICE_3, a) ^ at(&SLICE_2, b) ^ at(&SLICE_1, c) ^ at(&SLICE_0, d);
            }
        }
        for byte in rest {
            crc = at(&SLICE_0, crc as u8 ^ byte) ^ (crc >> 8);
        }
        crc
    }

    fn at(slice: &Slice, byte: u8) -> u32 {
        slice.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

#[cfg(feature = "crc-large-table")]
mod tables {
    use crc::{CRC_32_ISO_HDLC, Crc, Table};

    static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

    pub(super) fn update(crc: u32, data: &[u8]) -> u32 {
        // The crate takes the state in bit order, which this algorithm reflects.
        let mut digest = CRC.digest_with_initial(crc.reverse_bits());
        digest.update(data);
        digest.finalize() ^ CRC_32_ISO_HDLC.xorout
    }
}

#[cfg(test)]
mod tests {
    use super::Crc32;

    #[test]
    fn agrees_with_the_crate_wherever_the_cut_is() {
        let data: [u8; 67] = core::array::from_fn(|i| (i * 37) as u8);
        let crate_s = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        for end in 0..=data.len() {
            for cut in 0..=end {
                let mut crc = Crc32::new();
                crc.update(&data[..cut]);
                crc.update(&data[cut..end]);
                assert_eq!(crc.finalize(), crate_s.checksum(&data[..end]), "{cut} of {end}");
            }
        }
    }
}
