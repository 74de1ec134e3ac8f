//! The invariants that the fuzz targets check (`codec/fuzz`), on a stable compiler: for nearly
//! valid messages, for random bytes, and for all headers that differ from a valid one in one or two
//! bytes.

use fetchlet_codec::{Filename, Request, RequestDecoder, ResponseHeader};
use fetchlet_invariants as invariants;
use fetchlet_test_kit::{Rng, bytes_from, cut, request};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// A valid request (R2).
const GOOD_REQUEST: &[u8] = b"\x49\x7E\x01\x00\x05h.txt";
/// A valid response (R3).
const GOOD_RESPONSE: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x05hello";

/// Nearly valid messages: one byte is replaced, and often the last bytes are missing.
fn nearly(message: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    let end = prop::option::weighted(0.3, any::<prop::sample::Index>());
    (message, damage, end).prop_map(|(mut bytes, damage, end)| {
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let end = end.map_or(bytes.len(), |end| end.index(bytes.len()));
        bytes[..end].to_vec()
    })
}

fn nearly_a_response() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![4 => Just(1_u8), 1 => any::<u8>()];
    let len = prop_oneof![0..40_u32, any::<u32>()];
    let tail = prop::collection::vec(any::<u8>(), 0..60);
    let message = (status, len, tail);
    nearly(message.prop_map(|(status, len, tail)| {
        [&[0x49, 0x7E, 2, status][..], &len.to_be_bytes(), &tail].concat()
    }))
}

fn nearly_a_request() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        "\\PC{1,20}".prop_map(String::into_bytes),
        "\\PC{1,1024}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..80),
    ];
    let tail = prop::collection::vec(any::<u8>(), 0..5);
    nearly((name, tail).prop_map(|(name, tail)| [request(&name), tail].concat()))
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..12_usize, 1..20)
        .prop_filter("all 0 would never end", |lengths| lengths.iter().any(|len| *len > 0))
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_request_comes_back_from_its_bytes(name in "\\PC{1,256}", lengths in lengths()) {
        let request = Request::<1024>::new(Filename::new(&name).unwrap());
        let mut bytes = vec![0; request.encoded_len()];
        prop_assert_eq!(request.encode(&mut bytes), Ok(bytes.len()));
        let seen = invariants::decode_request(cut(&bytes, lengths));
        prop_assert_eq!(seen.decoded, Ok(Some(request)));
        prop_assert_eq!(seen.left, b"");
    }

    #[test]
    fn a_header_comes_back_from_its_bytes(len: u32) {
        invariants::response(&ResponseHeader::file(len).encode());
    }

    #[test]
    fn any_bytes_are_the_request_that_the_rules_say(
        bytes in prop_oneof![3 => nearly_a_request(), 1 => any_bytes()],
    ) {
        invariants::request::<1024>(&bytes);
        invariants::request::<64>(&bytes);
    }

    #[test]
    fn any_bytes_are_the_same_request_however_they_are_cut(
        bytes in prop_oneof![3 => nearly_a_request(), 1 => any_bytes()],
        lengths in lengths(),
    ) {
        let whole = invariants::decode_request::<64>([&bytes[..]]);
        prop_assert_eq!(invariants::decode_request(cut(&bytes, lengths)), whole);
    }

    #[test]
    fn any_bytes_are_the_response_that_the_rules_say(
        bytes in prop_oneof![3 => nearly_a_response(), 1 => any_bytes()],
    ) {
        invariants::response(&bytes);
    }

    #[test]
    fn any_bytes_are_the_same_download_however_they_are_cut(
        bytes in prop_oneof![3 => nearly_a_response(), 1 => any_bytes()],
        lengths in lengths(),
    ) {
        invariants::download_in_pieces(&bytes, &lengths);
    }
}

/// Calls `hold` with every message that differs from `good` in one or two of its first `header`
/// bytes.
fn with_two_bytes_changed(good: &[u8], header: usize, hold: impl Fn(&[u8])) {
    let mut bytes = good.to_vec();
    for first in 0..header {
        for second in first + 1..header {
            for pair in 0..=u16::MAX {
                [bytes[first], bytes[second]] = pair.to_be_bytes();
                hold(&bytes);
            }
            (bytes[first], bytes[second]) = (good[first], good[second]);
        }
    }
}

#[test]
fn every_request_with_two_bytes_of_its_header_changed_is_what_the_rules_say() {
    with_two_bytes_changed(GOOD_REQUEST, 5, invariants::request::<64>);
}

#[test]
fn every_response_with_two_bytes_of_its_header_changed_is_what_the_rules_say() {
    with_two_bytes_changed(GOOD_RESPONSE, 8, invariants::response);
}

/// Each connection sends random bytes of its own, and each gets an outcome.
#[test]
fn a_million_connections_of_random_bytes_are_answered_without_a_panic() {
    let mut rng = Rng::with_seed(7);
    let (mut named, mut refused, mut broken_off) = (0_u32, 0_u32, 0_u32);
    for _ in 0..1_000_000 {
        let bytes = stranger(&mut rng);
        match connection(&bytes, &mut rng) {
            Ok(true) => named += 1,
            Ok(false) => broken_off += 1,
            Err(()) => refused += 1,
        }
    }
    assert_eq!(named + refused + broken_off, 1_000_000);
    // Each outcome must be common, or the random bytes test little.
    assert!(named.min(refused).min(broken_off) > 10_000, "{named} {refused} {broken_off}");
}

/// Returns random bytes, or a request with up to two random bytes, cut off at a random place.
fn stranger(rng: &mut Rng) -> Vec<u8> {
    if rng.usize(..8) == 0 {
        let len = rng.usize(..40);
        return bytes_from(rng, len);
    }
    let mut bytes = GOOD_REQUEST.to_vec();
    for _ in 0..rng.usize(..3) {
        let at = rng.usize(..10);
        bytes[at] = rng.u8(..);
    }
    bytes.truncate(1 + rng.usize(..20));
    bytes
}

/// Returns whether the bytes are a whole request; an error once they are refused.
fn connection(bytes: &[u8], rng: &mut Rng) -> Result<bool, ()> {
    let mut decoder = RequestDecoder::<1024>::new();
    for mut piece in cut(bytes, [1 + rng.usize(..12)]) {
        let request = decoder.decode(&mut piece).map_err(|_| ())?;
        if request.is_some_and(|request| (1..=1024).contains(&request.filename().as_str().len())) {
            return Ok(true);
        }
    }
    Ok(false)
}
