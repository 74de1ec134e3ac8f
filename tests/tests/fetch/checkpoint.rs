//! R27: the record of an unfinished file survives a power failure at any instant.

use fetchlet_codec::{Checkpoint, Tag, Version};
use fetchlet_test_kit::Rng;

use crate::raw::hello_version;

fn other_version() -> Version {
    Version::from_hint((1 << 63) - 1, Tag::new([0xFF; 16])).unwrap()
}

/// Two places, erased.
const ERASED: [[u8; Checkpoint::LEN]; 2] = [[0xFF; Checkpoint::LEN]; 2];

fn newest(places: &[[u8; Checkpoint::LEN]; 2]) -> Option<Checkpoint> {
    Checkpoint::newest(&places[0], &places[1])
}

#[test]
fn a_record_has_at_most_80_bytes_and_comes_back_from_them() {
    const { assert!(Checkpoint::LEN <= 80) };
    let begun = Checkpoint::begin(None, "h.txt", 1, hello_version());
    let other = Checkpoint::begin(Some(&begun), "a name", 255, other_version());
    for record in [
        begun,
        begun.advanced(5).unwrap(),
        begun.invalidated(),
        other,
        other.advanced(1 << 40).unwrap(),
        other.invalidated(),
    ] {
        assert_eq!(Checkpoint::decode(&record.encode()), Some(record));
    }
}

#[test]
fn a_record_is_about_one_name_and_one_slot() {
    let kept = Checkpoint::begin(None, "h.txt", 1, hello_version()).advanced(3).unwrap();
    assert_eq!(kept.part_of("h.txt", 1), Some((hello_version(), 3)));
    assert_eq!(kept.part_of("h.txt", 0), None);
    assert_eq!(kept.part_of("h.tx", 1), None);
    assert_eq!(kept.part_of("", 1), None);
    let dropped = kept.invalidated();
    assert_eq!((dropped.part(), dropped.part_of("h.txt", 1)), (None, None));
    assert_eq!(dropped.advanced(0), None);
}

#[test]
fn no_more_than_the_total_is_durable() {
    let begun = Checkpoint::begin(None, "h.txt", 0, hello_version());
    assert!(begun.advanced(5).is_some());
    assert_eq!(begun.advanced(6), None);
}

#[test]
fn no_flipped_bit_and_no_other_length_is_a_record() {
    for record in [
        Checkpoint::begin(None, "h.txt", 0, hello_version()),
        Checkpoint::begin(None, "h.txt", 0, hello_version()).invalidated(),
    ] {
        let bytes = record.encode();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Checkpoint::decode(&flipped), None, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert_eq!(Checkpoint::decode(&bytes[..len]), None);
        }
        assert_eq!(Checkpoint::decode(&[&bytes[..], &[0]].concat()), None);
    }
    for filled in [0x00, 0xFF] {
        assert_eq!(Checkpoint::decode(&[filled; Checkpoint::LEN]), None);
    }
}

/// A write that was torn at any byte, over erased or over older bytes, leaves the record before it.
#[test]
fn a_torn_write_leaves_the_record_before() {
    let mut places = ERASED;
    let mut record = Checkpoint::begin(None, "h.txt", 0, other_version());
    for step in 0..6_u64 {
        let before = newest(&places);
        let bytes = record.encode();
        for torn in 0..Checkpoint::LEN {
            for erased_first in [false, true] {
                let mut after = places;
                let place = &mut after[record.place()];
                if erased_first {
                    *place = [0xFF; Checkpoint::LEN];
                }
                place[..torn].copy_from_slice(&bytes[..torn]);
                // A write whose missing end is what was there before is not torn.
                if *place != bytes {
                    assert_eq!(newest(&after), before, "step {step}, {torn} bytes");
                }
            }
        }
        places[record.place()] = bytes;
        assert_eq!(newest(&places), Some(record));
        record = if step == 3 { record.invalidated() } else { next(&record, step) };
    }
}

fn next(record: &Checkpoint, step: u64) -> Checkpoint {
    record
        .advanced(step + 1)
        .unwrap_or_else(|| Checkpoint::begin(Some(record), "h.txt", 0, hello_version()))
}

/// 2^32 records are one per second for 136 years; the number wraps nevertheless.
#[test]
fn the_newer_record_is_known_over_the_wrap_of_the_number() {
    // The number is the 4 bytes after the mark, and the checksum the last 4 bytes.
    let numbered = |number: u32| {
        let record = Checkpoint::begin(None, "h.txt", 0, other_version());
        let mut bytes = record.encode();
        bytes[4..8].copy_from_slice(&number.to_be_bytes());
        let checksum = crc32(&bytes[..60]);
        bytes[60..].copy_from_slice(&checksum.to_be_bytes());
        Checkpoint::decode(&bytes).expect("a record")
    };
    for number in [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX - 1, u32::MAX] {
        let first = numbered(number);
        let second = first.advanced(7).unwrap();
        assert_ne!(first.place(), second.place());
        let (a, b) = (first.encode(), second.encode());
        assert_eq!(Checkpoint::newest(&a, &b), Some(second), "after {number}");
        assert_eq!(Checkpoint::newest(&b, &a), Some(second), "after {number}");
    }
}

/// CRC-32 bit by bit, as of Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn the_checksum_is_the_crc_32_that_others_compute() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    let bytes = Checkpoint::begin(None, "h.txt", 0, hello_version()).encode();
    assert_eq!(bytes[60..], crc32(&bytes[..60]).to_be_bytes());
}

/// Thousands of lives: what is read after a power failure is the record that was whole last.
#[test]
fn after_random_power_failures_the_last_whole_record_is_read() {
    for seed in 1..=20 {
        let mut rng = Rng::with_seed(seed);
        let (mut places, mut whole) = (ERASED, None);
        for _ in 0..500 {
            let record = match whole {
                None => Checkpoint::begin(None, "h.txt", 0, other_version()),
                Some(kept) if rng.u8(..8) == 0 => Checkpoint::invalidated(&kept),
                Some(kept) => kept
                    .advanced(rng.u64(..1 << 62))
                    .unwrap_or_else(|| Checkpoint::begin(Some(&kept), "h.txt", 0, other_version())),
            };
            let bytes = record.encode();
            let written = if rng.bool() { Checkpoint::LEN } else { rng.usize(..Checkpoint::LEN) };
            let place = &mut places[record.place()];
            *place = [0xFF; Checkpoint::LEN];
            place[..written].copy_from_slice(&bytes[..written]);
            if *place == bytes {
                whole = Some(record);
            }
            assert_eq!(newest(&places), whole, "seed {seed}");
        }
    }
}
