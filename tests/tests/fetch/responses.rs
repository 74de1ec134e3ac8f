//! FETCH responses: statuses, flags and lengths, what a later version may add, and the end of the
//! connection at every byte (R19, R21, R32, R33, R35).

use fetchlet_codec::{
    DecodeError, Digest, Fetch, FetchError, FetchEvent, FetchRequest, FetchResponse, Known, Tag,
};
use fetchlet_test_kit::cuttings;

use crate::raw::{HELLO_SHA256, RawResponse, ask, hello_tag, hello_version, receive, refusal};

/// Requests on each condition, with and without an offset.
fn requests() -> Vec<FetchRequest<64>> {
    let tag = Tag::new(hello_tag());
    vec![
        ask(),
        ask().want_digest().want_modified(),
        ask().limit(0),
        ask().from_offset(3),
        ask().from_offset(u64::MAX),
        ask().if_tag(tag),
        ask().from_offset(3).if_version(hello_version()).want_digest(),
        ask().if_other_tag(tag).want_digest(),
    ]
}

/// Responses of each status, one that answers each of [`requests`] among them.
fn responses() -> Vec<RawResponse> {
    let mut all = Vec::new();
    for status in [1, 3, 4, 5] {
        for (offset, data) in [(0, &b"hello"[..]), (3, b"lo"), (u64::MAX, b"")] {
            for digest in [None, Some(HELLO_SHA256)] {
                let data = if status == 1 { data.to_vec() } else { Vec::new() };
                let flags = if digest.is_some() { 0x03 } else { 0x02 };
                all.push(RawResponse {
                    status,
                    offset,
                    data,
                    digest,
                    flags,
                    ..RawResponse::hello()
                });
            }
        }
    }
    all
}

#[test]
fn every_status_is_judged_at_its_byte() {
    for request in requests() {
        for status in 0..=u8::MAX {
            let refused = refusal(&request, &[0x49, 0x7E, 4, status]);
            match status {
                0 | 2 | 6 => assert_eq!(refused, None),
                7.. => assert_eq!(refused, Some(DecodeError::BadStatus { found: status })),
                _ => {
                    let error = DecodeError::Contradiction { at: 3, found: status };
                    assert!(refused.is_none_or(|refused| refused == error));
                }
            }
        }
    }
}

/// R21: flags that are refused, flags that are ignored, and flags that bring a field.
#[test]
fn every_combination_of_flags_is_judged() {
    let request = ask().want_digest();
    for flags in 0..=u8::MAX {
        let raw = RawResponse {
            flags,
            digest: (flags & 1 != 0).then_some(HELLO_SHA256),
            modified: (flags & 0x10 != 0).then_some(-7),
            ..RawResponse::hello()
        };
        let bytes = raw.bytes();
        if flags & 0x0C != 0 {
            let error = DecodeError::BadFlags { at: 8, found: flags };
            assert_eq!(refusal(&request, &bytes[..8]), None);
            assert_eq!(refusal(&request, &bytes[..9]), Some(error));
            continue;
        }
        let received = receive(Fetch::new(request.clone()), [&bytes[..]]);
        let Some(FetchResponse::Data { known, data_len: 5, .. }) = received.response else {
            panic!("{flags:02x}: {received:?}")
        };
        assert_eq!((&received.data[..], received.finish), (&b"hello"[..], Ok(())));
        assert_eq!(known.digest(), raw.digest.map(Digest::new));
        assert_eq!(known.modified(), raw.modified);
        assert_eq!(known.tag_from_content(), flags & 2 != 0);
        assert_eq!((known.total(), known.offset(), known.tag().as_bytes()), (5, 0, &raw.tag));
    }
}

/// R19: readers skip what lies between the fields that they know and the data.
#[test]
fn a_known_part_of_any_length_is_skipped() {
    for extra in 0..=255 - 34 {
        let raw = RawResponse { unknown: vec![0xEE; extra], ..RawResponse::hello() };
        let bytes = [raw.bytes(), b"next".to_vec()].concat();
        for (cutting, pieces) in cuttings(&bytes) {
            let received = receive(Fetch::new(ask()), pieces);
            assert_eq!(received.data, b"hello", "{extra} more, {cutting}");
            assert_eq!(received.left, b"next", "{extra} more, {cutting}");
            assert_eq!(received.finish, Ok(()), "{extra} more, {cutting}");
        }
    }
    let raw = RawResponse { unknown: vec![0; 9], ..RawResponse::without_data(5) };
    let request = ask().if_other_tag(Tag::new(hello_tag()));
    let received = receive(Fetch::new(request), [&raw.bytes()[..]]);
    let known = Known::new(hello_version(), 0);
    assert_eq!(received.response, Some(FetchResponse::Unchanged(known)));
    assert_eq!((received.data, received.finish), (vec![], Ok(())));
}

#[test]
fn every_answer_to_every_request_is_the_same_however_it_is_cut() {
    let (mut whole_ones, mut refused_ones) = (0, 0);
    for request in requests() {
        for response in responses() {
            let bytes = [response.bytes(), b"next".to_vec()].concat();
            let whole = receive(Fetch::new(request.clone()), [&bytes[..]]);
            if whole.finish.is_ok() {
                whole_ones += 1;
            } else {
                refused_ones += 1;
            }
            for (cutting, pieces) in cuttings(&bytes) {
                let cut = receive(Fetch::new(request.clone()), pieces);
                assert_eq!(cut, whole, "{cutting}");
            }
        }
    }
    assert!(whole_ones >= 8 && refused_ones >= 8, "{whole_ones} whole, {refused_ones} refused");
}

/// A byte is refused exactly if no response goes on from it: what is accepted so far always has a
/// next byte that is accepted, too.
#[test]
fn no_accepted_start_of_a_response_is_a_dead_end() {
    for request in requests() {
        for response in responses() {
            let bytes = response.bytes();
            for len in 0..bytes.len() {
                let start = &bytes[..len];
                if refusal(&request, start).is_some() {
                    break;
                }
                let goes_on = (0..=u8::MAX)
                    .any(|next| refusal(&request, &[start, &[next]].concat()).is_none());
                assert!(goes_on, "nothing may follow {start:02x?}");
            }
        }
    }
}

/// R12, R33: which error says how far it came.
#[test]
fn every_strict_prefix_of_a_response_is_an_error() {
    let raw = RawResponse { unknown: vec![1; 10], ..RawResponse::hello() };
    let bytes = raw.bytes();
    for len in 0..bytes.len() {
        let received = u16::try_from(len).unwrap();
        let expected = match received {
            0..52 => FetchError::ClosedInHead { received },
            52.. => FetchError::ClosedInData { received: u32::from(received) - 52, expected: 5 },
        };
        for (cutting, pieces) in cuttings(&bytes[..len]) {
            let seen = receive(Fetch::new(ask()), pieces);
            assert_eq!(seen.finish, Err(expected), "{len} bytes {cutting}");
            assert!(!seen.ended, "{len} bytes {cutting}");
        }
        let later = receive(Fetch::following(ask()), [&bytes[..len]]);
        let expected = if len == 0 { FetchError::ClosedBetween } else { expected };
        assert_eq!(later.finish, Err(expected));
    }
}

#[test]
fn an_error_is_repeated_whatever_comes_next() {
    let mut fetch = Fetch::new(ask());
    let error = FetchError::Decode(DecodeError::BadMagic { at: 0, found: b'H' });
    for bytes in [&b"HTTP/1.1"[..], b"", &RawResponse::hello().bytes()] {
        assert_eq!(fetch.receive(&mut &bytes[..]), Err(error));
    }
    assert_eq!((fetch.finish(), fetch.is_reusable()), (Err(error), false));
}

/// R35: only the malformed answer to the first request, whole, means the first pair.
#[test]
fn type_2_is_told_apart_only_as_the_first_answer() {
    let old = b"\x49\x7E\x02\x02\0\0\0\0";
    for (cutting, pieces) in cuttings(old) {
        let received = receive(Fetch::new(ask()), pieces);
        assert_eq!(received.finish, Err(FetchError::FirstPairOnly), "{cutting}");
    }
    for len in 0..old.len() {
        let received = receive(Fetch::new(ask()), [&old[..len]]);
        let at = u16::try_from(len).unwrap();
        assert_eq!(received.finish, Err(FetchError::ClosedInHead { received: at }));
    }
    for status in (0..=u8::MAX).filter(|status| *status != 2) {
        let refused = refusal(&ask(), &[0x49, 0x7E, 2, status]);
        assert!(refused.is_some(), "type 2 with status {status}");
    }
    let later = receive(Fetch::following(ask()), [&old[..]]);
    let error = DecodeError::BadType { found: 2 };
    assert_eq!(later.finish, Err(FetchError::Decode(error)));
}

#[test]
fn one_connection_carries_one_request_after_another() {
    let rest = RawResponse { offset: 3, data: b"lo".to_vec(), ..RawResponse::hello() };
    let sent = [RawResponse::hello().bytes(), rest.bytes(), b"\x49\x7E\x04\0\0\0\0\0".to_vec()];
    for (cutting, pieces) in cuttings(&sent.concat()) {
        let mut later = vec![ask(), ask().from_offset(3).if_version(hello_version())].into_iter();
        let mut fetch = Fetch::new(ask());
        let mut seen = Vec::new();
        for mut piece in pieces {
            loop {
                match fetch.receive(&mut piece).unwrap() {
                    Some(FetchEvent::Data(data)) => seen.extend_from_slice(data),
                    Some(FetchEvent::Response(FetchResponse::NotFound)) => seen.push(b'!'),
                    Some(FetchEvent::Response(_)) => assert!(!fetch.is_reusable()),
                    Some(FetchEvent::End) => {
                        seen.push(b'.');
                        assert!(fetch.is_reusable());
                        let Some(request) = later.next_back() else { continue };
                        assert_eq!(fetch.next_request(request), Ok(()));
                    }
                    None => break,
                }
            }
        }
        assert_eq!((&seen[..], fetch.finish()), (&b"hello.lo.!."[..], Ok(())), "{cutting}");
    }
}

/// R32: after that answer the server closes.
#[test]
fn no_request_follows_a_malformed_one_or_an_unfinished_one() {
    let mut fetch = Fetch::new(ask());
    assert_eq!(fetch.next_request(ask()), Err(ask()));
    let mut input = &b"\x49\x7E\x04\x02\0\0\0\0"[..];
    while fetch.receive(&mut input).unwrap().is_some() {}
    assert!(fetch.is_done());
    assert_eq!(fetch.next_request(ask()), Err(ask()));
}
