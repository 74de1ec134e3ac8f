//! Every FETCH request that must be refused, and the byte at which it is (R5, R18, R21, R36).

use fetchlet_codec::{Condition, DecodeError, Preamble, Serve, ServeRequest};

use crate::raw::RawRequest;

const MALFORMED_2: &[u8] = b"\x49\x7E\x02\x02\0\0\0\0";
const MALFORMED_4: &[u8] = b"\x49\x7E\x04\x02\0\0\0\0";

/// Asserts that the last of `bytes`, and none before, is the byte at which the request is refused,
/// with this answer, in one piece, in two, and with bytes behind it.
#[track_caller]
fn refused_at_last(bytes: &[u8], error: DecodeError, answer: Option<&[u8]>) {
    let (_, before) = bytes.split_last().unwrap();
    let mut serve = Serve::<1024>::new();
    assert_eq!(serve.receive(&mut &before[..]), Ok(None), "{before:02x?}");
    assert_eq!((serve.refusal(), serve.is_closing()), (None, false));
    assert_eq!(serve.received(), before.len());
    assert_eq!(serve.receive(&mut &bytes[before.len()..]), Err(error), "{bytes:02x?}");
    assert_eq!(serve.refusal().as_ref().map(|answer| &answer[..]), answer, "{bytes:02x?}");
    assert!(serve.is_closing());
    assert_eq!(serve.receive(&mut &b"\x49"[..]), Err(error), "another error");

    for more in [&b""[..], &[0; 64]] {
        let mut serve = Serve::<1024>::new();
        let bytes = [bytes, more].concat();
        assert_eq!(serve.receive(&mut &bytes[..]), Err(error), "{bytes:02x?}");
        assert_eq!(serve.refusal().as_ref().map(|answer| &answer[..]), answer);
    }
}

#[test]
fn every_combination_of_flags_is_judged_at_its_byte() {
    for flags in 0..=u8::MAX {
        let raw = RawRequest { flags, ..RawRequest::new(b"h.txt") };
        let bytes = raw.bytes();
        if flags & 8 != 0 || flags & 6 == 6 {
            let error = DecodeError::BadFlags { at: 5, found: flags };
            refused_at_last(&bytes[..6], error, Some(MALFORMED_4));
            continue;
        }
        let decoded = Serve::<64>::new().receive(&mut &bytes[..]);
        let Ok(Some(ServeRequest::Fetch(request))) = decoded else { panic!("{decoded:?}") };
        assert_eq!(request.wants_digest(), flags & 1 != 0);
        assert_eq!(request.wants_modified(), flags & 0x10 != 0);
        assert_eq!(matches!(request.condition(), Condition::IfTag(_)), flags & 2 != 0);
        assert_eq!(matches!(request.condition(), Condition::IfOtherTag(_)), flags & 4 != 0);
        assert_eq!(matches!(request.condition(), Condition::None), flags & 6 == 0);
    }
}

#[test]
fn every_length_is_judged_from_its_bytes_alone() {
    for len in 0..=u16::MAX {
        let [high, low] = len.to_be_bytes();
        let header = [0x49, 0x7E, 3, high, low];
        match len {
            30..=1053 => assert_eq!(Serve::<1024>::new().receive(&mut &header[..]), Ok(None)),
            // The upper byte alone makes the length illegal.
            0x0500.. => {
                if low == 0 {
                    let error = DecodeError::BadLength { at: 3, found: high };
                    refused_at_last(&header[..4], error, Some(MALFORMED_4));
                }
            }
            _ => {
                let error = DecodeError::BadLength { at: 4, found: low };
                refused_at_last(&header, error, Some(MALFORMED_4));
            }
        }
    }
}

#[test]
fn an_offset_where_none_is_allowed_is_refused_at_its_first_byte() {
    for at in 6..14 {
        for found in 1..=u8::MAX {
            let mut bytes = RawRequest { flags: 4, ..RawRequest::new(b"h.txt") }.bytes();
            bytes[usize::from(at)] = found;
            let error = DecodeError::UnexpectedOffset { at, found };
            refused_at_last(&bytes[..=usize::from(at)], error, Some(MALFORMED_4));
            for flags in [0, 2] {
                bytes[5] = flags;
                let decoded = Serve::<64>::new().receive(&mut &bytes[..]);
                let Ok(Some(ServeRequest::Fetch(request))) = decoded else { panic!() };
                assert_eq!(request.offset(), u64::from(found) << (8 * (13 - at)));
            }
        }
    }
}

#[test]
fn a_tag_where_none_is_allowed_is_refused_at_its_first_byte() {
    for at in 18..34_u8 {
        for found in 1..=u8::MAX {
            let mut bytes = RawRequest::new(b"h.txt").bytes();
            bytes[usize::from(at)] = found;
            let error = DecodeError::UnexpectedTag { at, found };
            refused_at_last(&bytes[..=usize::from(at)], error, Some(MALFORMED_4));
            for flags in [2, 4] {
                bytes[5] = flags;
                let decoded = Serve::<64>::new().receive(&mut &bytes[..]);
                let Ok(Some(ServeRequest::Fetch(request))) = decoded else { panic!() };
                let (Condition::IfTag(tag) | Condition::IfOtherTag(tag)) = request.condition()
                else {
                    panic!()
                };
                assert_eq!(tag.as_bytes()[usize::from(at) - 18], found);
            }
        }
    }
}

#[test]
fn every_byte_of_the_limit_counts() {
    for shift in [0, 8, 16, 24] {
        for byte in 0..=u8::MAX {
            let limit = u32::from(byte) << shift;
            let bytes = RawRequest { limit, ..RawRequest::new(b"h.txt") }.bytes();
            let decoded = Serve::<64>::new().receive(&mut &bytes[..]);
            let Ok(Some(ServeRequest::Fetch(request))) = decoded else { panic!() };
            assert_eq!(request.max_data_len(), limit);
        }
    }
}

#[test]
fn every_other_type_and_magic_gets_the_answer_of_the_first_pair() {
    for found in (0..=u8::MAX).filter(|found| ![1, 3].contains(found)) {
        let bytes = [0x49, 0x7E, found];
        refused_at_last(&bytes, DecodeError::BadType { found }, Some(MALFORMED_2));
    }
    for found in (0..=u8::MAX).filter(|found| *found != 0x7E) {
        let error = DecodeError::BadMagic { at: 1, found };
        refused_at_last(&[0x49, found], error, Some(MALFORMED_2));
    }
    for found in (0..=u8::MAX).filter(|found| ![0x49, 0x16, b'P', b'\r'].contains(found)) {
        refused_at_last(&[found], DecodeError::BadMagic { at: 0, found }, Some(MALFORMED_2));
    }
}

/// R36: closed without an answer, at the byte that shows whose preamble it is.
#[test]
fn the_preambles_of_other_protocols_get_no_answer() {
    for (preamble, protocol) in [
        (&b"\x16"[..], Preamble::Tls),
        (b"PROXY ", Preamble::Proxy),
        (b"\r\n\r\n\0", Preamble::Proxy),
    ] {
        refused_at_last(preamble, DecodeError::OtherProtocol(protocol), None);
        // Any byte that leaves the preamble is a wrong magic.
        for at in 1..preamble.len() {
            for other in (0..=u8::MAX).filter(|other| *other != preamble[at]) {
                let bytes = [&preamble[..at], &[other]].concat();
                let error = DecodeError::BadMagic { at: 0, found: preamble[0] };
                refused_at_last(&bytes, error, Some(MALFORMED_2));
            }
        }
    }
}

/// R36 is about what a connection begins with.
#[test]
fn no_preamble_comes_after_a_request() {
    for preamble in [&b"\x16"[..], b"P", b"\r"] {
        let mut serve = Serve::<64>::new();
        let bytes = [&RawRequest::new(b"h.txt").bytes()[..], preamble].concat();
        let mut input = &bytes[..];
        assert!(matches!(serve.receive(&mut input), Ok(Some(ServeRequest::Fetch(_)))));
        let error = DecodeError::BadMagic { at: 0, found: preamble[0] };
        assert_eq!(serve.receive(&mut input), Err(error));
        assert_eq!(serve.refusal().unwrap(), MALFORMED_2);
    }
}

/// R5: also within the name.
#[test]
fn what_is_not_utf8_is_refused_at_the_byte_that_shows_it() {
    for (name, shown, offset, found) in [
        (&b"\x80aaaa"[..], 1, 0, 0x80),
        (b"a\xFEaaa", 2, 1, 0xFE),
        (b"\xC3(aaa", 2, 0, 0xC3),
        (b"a\xE2\x82(a", 4, 1, 0xE2),
        (b"\xF0\x9F\x98(a", 4, 0, 0xF0),
        // Only the end of the name shows that its last character is incomplete.
        (b"abc\xE2\x82", 5, 3, 0xE2),
    ] {
        let bytes = RawRequest::new(name).bytes();
        let error = DecodeError::FilenameNotUtf8 { at: 34 + offset, found };
        refused_at_last(&bytes[..34 + shown], error, Some(MALFORMED_4));
        let get = fetchlet_test_kit::request(name);
        let error = DecodeError::FilenameNotUtf8 { at: 5 + offset, found };
        refused_at_last(&get[..5 + shown], error, Some(MALFORMED_2));
    }
}

/// R8: no name of this server is that long.
#[test]
fn a_legal_name_that_is_not_kept_here_is_not_found() {
    let name = [b'n'; 9];
    for (bytes, header_len, answer) in [
        (RawRequest::new(&name).bytes(), 34, b"\x49\x7E\x04\0\0\0\0\0"),
        (fetchlet_test_kit::request(&name), 5, b"\x49\x7E\x02\0\0\0\0\0"),
    ] {
        for len in header_len..=bytes.len() {
            let mut serve = Serve::<8>::new();
            let error = DecodeError::FilenameTooLong { len: 9, max: 8 };
            assert_eq!(serve.receive(&mut &bytes[..len]), Err(error));
            assert_eq!(serve.refusal().as_ref(), Some(answer));
        }
        assert_eq!(Serve::<8>::new().receive(&mut &bytes[..header_len - 1]), Ok(None));
        assert!(matches!(Serve::<9>::new().receive(&mut &bytes[..]), Ok(Some(_))));
    }
}
