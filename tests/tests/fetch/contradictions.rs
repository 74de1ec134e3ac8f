//! R22 clause by clause: a response that contradicts itself, the request or what the client keeps
//! is refused, at the first byte that shows it, and nothing of its data is handed out.

use fetchlet_codec::{DecodeError, FetchRequest, Tag, Version};

use crate::raw::{HELLO_SHA256, RawResponse, ask, hello_tag, hello_version, refusal};

/// Asserts that the byte at `at`, and none before, is the one at which `response` is refused.
#[track_caller]
fn refused_at(at: u8, response: &RawResponse, request: &FetchRequest<64>) {
    let bytes = response.bytes();
    let end = usize::from(at);
    let found = bytes[end];
    assert_eq!(refusal(request, &bytes[..end]), None, "before byte {at} of {bytes:02x?}");
    let error = Some(DecodeError::Contradiction { at, found });
    assert_eq!(refusal(request, &bytes[..=end]), error, "{bytes:02x?}");
    assert_eq!(refusal(request, &bytes), error, "{bytes:02x?}");
}

#[track_caller]
fn accepted(response: &RawResponse, request: &FetchRequest<64>) {
    assert_eq!(refusal(request, &response.bytes()), None, "{:02x?}", response.bytes());
}

fn tag() -> Tag {
    Tag::new(hello_tag())
}

/// The request from offset 3 on, if the file is still `hello`.
fn rest() -> FetchRequest<64> {
    ask().from_offset(3).if_version(hello_version())
}

/// The answer to [`rest`].
fn rest_answer() -> RawResponse {
    RawResponse { offset: 3, data: b"lo".to_vec(), ..RawResponse::hello() }
}

fn unchanged() -> RawResponse {
    RawResponse::without_data(5)
}

fn changed() -> RawResponse {
    RawResponse { tag: [1; 16], ..RawResponse::without_data(3) }
}

fn beyond_end() -> RawResponse {
    RawResponse { offset: 6, ..RawResponse::without_data(4) }
}

#[test]
fn the_known_part_is_below_its_least() {
    for known_len in 0..34 {
        refused_at(9, &RawResponse { known_len: Some(known_len), ..RawResponse::hello() }, &ask());
    }
    // With a digest and a time, the least is more.
    let full = RawResponse {
        flags: 0x13,
        digest: Some(HELLO_SHA256),
        modified: Some(-1),
        ..RawResponse::hello()
    };
    let request = ask().want_digest().want_modified();
    accepted(&full, &request);
    for known_len in 0..74 {
        refused_at(9, &RawResponse { known_len: Some(known_len), ..full.clone() }, &request);
    }
}

/// Else "rest - k" would be less than nothing.
#[test]
fn the_known_part_is_beyond_the_rest() {
    for known_len in 40..=255 {
        refused_at(9, &RawResponse { known_len: Some(known_len), ..RawResponse::hello() }, &ask());
    }
    for rest in 34..66 {
        // The flags alone show that 66 bytes do not fit.
        let flags = RawResponse { rest: Some(rest), flags: 3, ..RawResponse::hello() };
        refused_at(8, &flags, &ask().want_digest());
    }
    for rest in 0..34 {
        refused_at(7, &RawResponse { rest: Some(rest), ..RawResponse::hello() }, &ask());
    }
}

#[test]
fn the_rest_is_not_the_known_part_though_no_data_may_follow() {
    for (response, request) in [
        (changed(), ask().if_tag(tag())),
        (beyond_end(), ask().from_offset(6)),
        (unchanged(), ask().if_other_tag(tag())),
    ] {
        accepted(&response, &request);
        for rest in (0..=300).chain([1 << 16, 1 << 24, u32::MAX]).filter(|rest| *rest != 34) {
            let response = RawResponse { rest: Some(rest), ..response.clone() };
            let at = match rest {
                0..34 => 7,
                34..=255 => 9,
                256..0x1_0000 => 6,
                0x1_0000..0x100_0000 => 5,
                _ => 4,
            };
            refused_at(at, &response, &request);
        }
    }
}

#[test]
fn something_follows_a_status_that_has_no_rest() {
    for status in [0, 2, 6] {
        for at in 4..8_u8 {
            for found in 1..=u8::MAX {
                let mut bytes = vec![0x49, 0x7E, 4, status];
                bytes.resize(usize::from(at), 0);
                bytes.push(found);
                let error = DecodeError::Contradiction { at, found };
                let may_wait = status == 6 && (at, found) == (7, 2);
                let expected = if may_wait { None } else { Some(error) };
                assert_eq!(refusal(&ask(), &bytes), expected, "{bytes:02x?}");
                assert_eq!(refusal(&ask(), &bytes[..usize::from(at)]), None);
            }
        }
    }
}

#[test]
fn the_total_is_over_2_to_the_63_minus_1() {
    for total in [1 << 63, u64::MAX] {
        refused_at(10, &RawResponse { total, ..RawResponse::hello() }, &ask());
        refused_at(10, &RawResponse { total, ..changed() }, &ask().if_tag(tag()));
        refused_at(10, &RawResponse { total, ..unchanged() }, &ask().if_other_tag(tag()));
    }
    accepted(&RawResponse { total: (1 << 63) - 1, ..RawResponse::hello() }, &ask());
}

#[test]
fn the_offset_is_not_the_requests() {
    for at in 0..8_u8 {
        let offset = 3 ^ (1 << (8 * (7 - at)));
        refused_at(18 + at, &RawResponse { offset, ..rest_answer() }, &rest());
        let changed = RawResponse { offset, ..changed() };
        refused_at(18 + at, &changed, &ask().from_offset(3).if_tag(tag()));
        let unchanged = RawResponse { offset: offset ^ 3, ..unchanged() };
        refused_at(18 + at, &unchanged, &ask().if_other_tag(tag()));
    }
    // esp-idf PR#17960: a server that ignores the offset sends all, which is more than is left.
    refused_at(17, &RawResponse::hello(), &ask().from_offset(3));
}

#[test]
fn the_data_is_over_the_limit() {
    accepted(&RawResponse::hello(), &ask().limit(5));
    for limit in 0..5 {
        refused_at(9, &RawResponse::hello(), &ask().limit(limit));
    }
    // No known part is so long that this much of the rest is not data.
    refused_at(6, &RawResponse { rest: Some(0x1_00), ..RawResponse::hello() }, &ask().limit(0));
    refused_at(5, &RawResponse { rest: Some(0x1_0000), ..RawResponse::hello() }, &ask().limit(5));
}

#[test]
fn the_data_is_over_what_is_left_of_the_file() {
    for (total, at) in [(0, 17), (4, 17)] {
        refused_at(at, &RawResponse { total, ..RawResponse::hello() }, &ask());
    }
    // Where `offset + m` is over 64 bits, and where it is over 63.
    for offset in [u64::MAX - 2, (1 << 63) - 1, 1 << 63] {
        let request = ask().from_offset(offset);
        let response = RawResponse { offset, total: 5, ..RawResponse::hello() };
        let at = if offset < 1 << 63 { 9 } else { 3 };
        refused_at(at, &response, &request);
    }
    // What the client keeps says it before the total does.
    let long = RawResponse { data: b"low".to_vec(), ..rest_answer() };
    refused_at(9, &long, &rest());
    refused_at(17, &long, &ask().from_offset(3).if_tag(tag()));
}

/// Else a client would ask for ever.
#[test]
fn no_data_though_there_is_some_and_it_is_wanted() {
    let none = RawResponse { data: Vec::new(), ..RawResponse::hello() };
    refused_at(17, &none, &ask());
    accepted(&none, &ask().limit(0));
    accepted(&RawResponse { total: 0, ..none.clone() }, &ask());
    accepted(&RawResponse { offset: 5, ..none.clone() }, &ask().from_offset(5));
    refused_at(7, &RawResponse { offset: 3, ..none.clone() }, &rest());
    accepted(&RawResponse { offset: 3, ..none.clone() }, &rest().limit(0));
    accepted(&RawResponse { offset: 5, ..none }, &ask().from_offset(5).if_version(hello_version()));
}

#[test]
fn a_digest_came_that_was_not_asked_for() {
    let response = RawResponse { flags: 3, digest: Some(HELLO_SHA256), ..RawResponse::hello() };
    refused_at(8, &response, &ask());
    accepted(&response, &ask().want_digest());
    // A time may come unasked.
    accepted(&RawResponse { flags: 0x12, modified: Some(0), ..RawResponse::hello() }, &ask());
}

#[test]
fn the_digest_does_not_begin_with_the_tag_of_the_content() {
    for at in 0..16_u8 {
        let mut digest = HELLO_SHA256;
        digest[usize::from(at)] ^= 1;
        let response = RawResponse { flags: 3, digest: Some(digest), ..RawResponse::hello() };
        refused_at(42 + at, &response, &ask().want_digest());
        // A hint says nothing about the content.
        accepted(&RawResponse { flags: 1, ..response }, &ask().want_digest());
    }
    let mut digest = HELLO_SHA256;
    digest[16] ^= 1;
    let response = RawResponse { flags: 3, digest: Some(digest), ..RawResponse::hello() };
    accepted(&response, &ask().want_digest());
}

#[test]
fn status_1_with_an_offset_over_the_total() {
    let request = ask().from_offset(6);
    refused_at(17, &RawResponse { offset: 6, ..RawResponse::hello() }, &request);
    let none = RawResponse { offset: 6, data: Vec::new(), ..RawResponse::hello() };
    refused_at(17, &none, &request);
    refused_at(17, &none, &request.clone().limit(0));
    // What the client keeps says it before the total does.
    refused_at(3, &none, &request.if_version(hello_version()));
}

#[test]
fn status_1_to_a_tag_though_it_is_another_version() {
    for at in 0..16_u8 {
        let mut other = rest_answer();
        other.tag[usize::from(at)] ^= 1;
        refused_at(26 + at, &other, &rest());
        refused_at(26 + at, &other, &ask().from_offset(3).if_tag(tag()));
        accepted(&other, &ask().from_offset(3));
    }
    for total in [4, 6, 5 + (1 << 32)] {
        let at = if total > 6 { 13 } else { 17 };
        let other = RawResponse { total, data: b"l".to_vec(), ..rest_answer() };
        refused_at(at, &other, &rest());
        accepted(&other, &ask().from_offset(3).if_tag(tag()));
    }
    refused_at(8, &RawResponse { flags: 0, ..rest_answer() }, &rest());
    accepted(&RawResponse { flags: 0, ..rest_answer() }, &ask().from_offset(3).if_tag(tag()));
    let hint = ask().from_offset(3).if_version(Version::new(5, tag(), false).unwrap());
    refused_at(8, &rest_answer(), &hint);
    accepted(&RawResponse { flags: 0, ..rest_answer() }, &hint);
}

#[test]
fn status_3_without_a_tag_or_with_the_one_asked_for() {
    refused_at(3, &changed(), &ask());
    refused_at(3, &changed(), &ask().if_other_tag(tag()));
    refused_at(41, &RawResponse::without_data(3), &ask().if_tag(tag()));
    for at in 0..16_usize {
        let mut changed = RawResponse::without_data(3);
        changed.tag[at] ^= 0x80;
        accepted(&changed, &ask().if_tag(tag()));
        accepted(
            &RawResponse { total: 7, flags: 0, ..changed },
            &ask().if_version(hello_version()),
        );
    }
}

#[test]
fn status_4_with_an_offset_that_is_not_over_the_total() {
    refused_at(3, &RawResponse { offset: 0, ..beyond_end() }, &ask());
    for total in [6, 7, 255] {
        refused_at(17, &RawResponse { total, ..beyond_end() }, &ask().from_offset(6));
    }
    refused_at(16, &RawResponse { total: 256, ..beyond_end() }, &ask().from_offset(6));
    for total in 0..6 {
        accepted(&RawResponse { total, ..beyond_end() }, &ask().from_offset(6));
    }
    let last = RawResponse { total: (1 << 63) - 1, offset: u64::MAX, ..beyond_end() };
    accepted(&last, &ask().from_offset(u64::MAX));
}

#[test]
fn status_5_without_a_tag_or_with_another() {
    refused_at(3, &unchanged(), &ask());
    refused_at(3, &unchanged(), &ask().if_tag(tag()));
    for at in 0..16_u8 {
        let mut other = unchanged();
        other.tag[usize::from(at)] ^= 1;
        refused_at(26 + at, &other, &ask().if_other_tag(tag()));
    }
}
