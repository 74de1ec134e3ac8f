//! Ways to cut bytes into pieces (R4), and bytes that look like nothing in particular.

use fetchlet_invariants::cut;

/// A named way to cut: pieces that are `bytes` again when put together.
pub type Cutting<'a> = (String, Vec<&'a [u8]>);

/// Longer inputs are not cut at every place any more: the tests would take the square of it.
const EVERY_SPLIT: usize = 2048;

/// Whole, byte by byte, in fixed sizes, with nothing between the pieces, in two at every place, and
/// in a few random ways that are the same in every run.
pub fn cuttings(bytes: &[u8]) -> Vec<Cutting<'_>> {
    let mut all = vec![
        ("whole".into(), vec![bytes]),
        ("byte by byte".into(), cut(bytes, [1])),
        ("with empty pieces between".into(), cut(bytes, [0, 1, 0, 3])),
    ];
    for size in [2, 3, 4, 5, 7, 8, 9, 13, 64, 512, 1460] {
        if size < bytes.len() {
            all.push((format!("in pieces of {size}"), cut(bytes, [size])));
        }
    }
    if bytes.len() <= EVERY_SPLIT {
        for at in 0..=bytes.len() {
            let (first, second) = bytes.split_at(at);
            all.push((format!("split at {at}"), vec![first, second]));
        }
    }
    for seed in 1..=16 {
        let mut noise = Noise::new(seed);
        let lengths: Vec<usize> = (0..61).map(|_| 1 + noise.below(17)).collect();
        all.push((format!("cut at random, seed {seed}"), cut(bytes, lengths)));
    }
    all
}

/// Bytes without a pattern, the same for the same seed: splitmix64.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// The beginning of the bytes that belong to this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u32) -> usize {
        assert_ne!(bound, 0, "no number is below 0");
        // The upper half is below `bound` by construction, so it fits wherever a u32 does.
        let below = ((self.next() >> 32) * u64::from(bound)) >> 32;
        usize::try_from(below).unwrap_or_default()
    }

    /// So many bytes: the content of a file, say.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_put_together_are_the_whole() {
        for len in [0, 1, 2, 13, 200] {
            let bytes = Noise::new(1).bytes(len);
            for (name, pieces) in cuttings(&bytes) {
                assert_eq!(pieces.concat(), bytes, "{len} bytes {name}");
            }
        }
    }

    #[test]
    fn every_place_is_cut_once() {
        let splits =
            cuttings(b"hello").iter().filter(|(name, _)| name.starts_with("split")).count();
        assert_eq!(splits, 6);
    }

    #[test]
    fn noise_is_the_same_for_the_same_seed_only() {
        assert_eq!(Noise::new(3).bytes(100), Noise::new(3).bytes(100));
        assert_ne!(Noise::new(3).bytes(100), Noise::new(4).bytes(100));
        assert!((0..1000).all(|seed| Noise::new(seed).below(3) < 3));
    }
}
