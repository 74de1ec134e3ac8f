//! Ways to cut a message into the pieces in which TCP may deliver it (R4).

use fastrand::Rng;
use fetchlet_invariants::cut;

/// The name of a way to cut, and the pieces, whose concatenation is the message.
pub type Cutting<'a> = (String, Vec<&'a [u8]>);

/// Longest message that is cut in two at every place, in bytes: the work grows with the square of
/// the length.
const MAX_EVERY_SPLIT: usize = 2048;

/// Cuts `bytes` in every way that the tests try: whole, byte by byte, with empty pieces, in fixed
/// sizes, in two at every place, and in 16 random ways that are the same in every run.
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
    if bytes.len() <= MAX_EVERY_SPLIT {
        for at in 0..=bytes.len() {
            let (first, second) = bytes.split_at(at);
            all.push((format!("split at {at}"), vec![first, second]));
        }
    }
    for seed in 1..=16 {
        let mut rng = Rng::with_seed(seed);
        let lengths: Vec<usize> = (0..61).map(|_| rng.usize(1..=17)).collect();
        all.push((format!("cut at random, seed {seed}"), cut(bytes, lengths)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random_bytes;

    #[test]
    fn pieces_put_together_are_the_whole() {
        for len in [0, 1, 2, 13, 200] {
            let bytes = random_bytes(1, len);
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
}
