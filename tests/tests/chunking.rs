//! R4: the outcome never depends on where the bytes were cut. Tried with whole messages, with
//! surplus bytes, with parts of messages, and with faults.

use fetchlet_codec::{
    DecodeError, Download, DownloadError, Event, Filename, Request, RequestDecoder,
    ResponseDecoder, ResponseHeader, Status,
};
use fetchlet_invariants::{decode_request, download};
use fetchlet_test_kit::{HELLO, NOT_FOUND, cuttings, random_bytes, request};

fn asked(name: &str) -> Request {
    Request::new(Filename::new(name).unwrap())
}

/// Asserts that `bytes` decode to `expected`: whole, byte by byte with no result before the last
/// byte, and with bytes that follow.
#[track_caller]
fn decodes_to(bytes: &[u8], expected: &Request) {
    let mut input = bytes;
    let whole = RequestDecoder::new().decode(&mut input);
    assert_eq!(whole, Ok(Some(expected.clone())));
    assert!(input.is_empty());

    let mut decoder = RequestDecoder::new();
    let (last, before) = bytes.split_last().unwrap();
    for (at, byte) in before.iter().enumerate() {
        assert_eq!(decoder.received(), at);
        assert_eq!(decoder.decode(&mut &[*byte][..]), Ok(None), "after byte {at}");
    }
    assert_eq!(decoder.decode(&mut &[*last][..]), Ok(Some(expected.clone())));

    let mut input = &[bytes, b"and more"].concat()[..];
    let followed = RequestDecoder::new().decode(&mut input);
    assert_eq!(followed, Ok(Some(expected.clone())));
    assert_eq!(input, b"and more");
}

#[test]
fn a_request_is_decoded_whole_byte_by_byte_and_with_bytes_that_follow() {
    for name in ["h", "h.txt", "grüße/日本/😀", &"n".repeat(1024), &"é".repeat(512)] {
        decodes_to(&request(name.as_bytes()), &asked(name));
    }
}

#[test]
fn a_header_is_decoded_whole_byte_by_byte_and_with_bytes_that_follow() {
    for header in [
        ResponseHeader::file(0),
        ResponseHeader::file(5),
        ResponseHeader::file(u32::MAX),
        ResponseHeader::without_data(Status::NotFound),
        ResponseHeader::without_data(Status::Malformed),
    ] {
        let bytes = header.encode();
        let mut decoder = ResponseDecoder::new();
        assert_eq!(decoder.decode(&mut &bytes[..]), Ok(Some(header)));
        // The same decoder decodes the next header.
        for (at, byte) in (0..).zip(&bytes[..7]) {
            assert_eq!(decoder.received(), at);
            assert_eq!(decoder.decode(&mut &[*byte][..]), Ok(None));
        }
        assert_eq!(decoder.decode(&mut &bytes[7..]), Ok(Some(header)));

        let mut input = &[&bytes[..], b"data"].concat()[..];
        assert_eq!(decoder.decode(&mut input), Ok(Some(header)));
        assert_eq!(input, b"data");
    }
}

#[test]
fn requests_one_after_another_come_out_one_by_one() {
    let longest = "n".repeat(64);
    for names in [["a", "ü", &longest], ["abc", "日本", "ü"], [&longest, "日本", "abc"]] {
        let bytes = names.map(|name| request(name.as_bytes())).concat();
        for (cutting, pieces) in cuttings(&bytes) {
            let mut decoder = RequestDecoder::<64>::new();
            let mut decoded = Vec::new();
            for mut input in pieces {
                while let Some(request) = decoder.decode(&mut input).unwrap() {
                    decoded.push(request.into_filename().as_str().to_owned());
                }
            }
            assert_eq!(decoded, names, "{cutting}");
        }
    }
}

#[test]
fn a_request_is_the_same_however_it_is_cut() {
    for name in ["h.txt", "a/日本/grüße/😀.bin"] {
        let bytes = [request(name.as_bytes()), b"later".to_vec()].concat();
        for (cutting, pieces) in cuttings(&bytes) {
            let seen = decode_request(pieces);
            assert_eq!(seen.decoded, Ok(Some(asked(name))), "{cutting}");
            assert_eq!(seen.left, b"later", "{cutting}");
        }
    }
}

#[test]
fn a_refused_request_is_refused_alike_however_it_is_cut() {
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\x49\x7F\x01\x00\x05h.txt".to_vec(),
        b"\x49\x7E\x03\x00\x05h.txt".to_vec(),
        b"\x49\x7E\x01\x00\x00h.txt".to_vec(),
        b"\x49\x7E\x01\x04\x01h.txt".to_vec(),
        b"\x49\x7E\x01\xFF\xFFh.txt".to_vec(),
        request(b"\xFFbcd"),
        request("日\u{0}x".as_bytes())
            .iter()
            .map(|byte| if *byte == 0 { 0xC3 } else { *byte })
            .collect(),
        request(b"ab\xE2\x82c and more of the name"),
        request(b"ab\xE2\x82"),
        request(&[b'n'; 65]),
    ] {
        let whole = decode_request::<64>([&bytes[..]]);
        assert!(whole.decoded.is_err(), "{bytes:02x?}");
        for (cutting, pieces) in cuttings(&bytes) {
            assert_eq!(decode_request(pieces), whole, "{cutting}");
        }
    }
}

#[test]
fn a_response_is_the_same_however_it_is_cut() {
    let mut long = ResponseHeader::file(1500).encode().to_vec();
    long.extend(random_bytes(5, 1500));
    for response in [HELLO, NOT_FOUND, &long] {
        let whole = download([response]);
        assert!(whole.ended && whole.left.is_empty());
        assert_eq!(whole.data, response[8..]);
        assert_eq!(whole.finish, Some(Ok(())));
        for (cutting, pieces) in cuttings(response) {
            assert_eq!(download(pieces), whole, "{cutting}");
        }
    }
}

#[test]
fn bytes_after_a_response_are_not_part_of_it() {
    let bytes = [HELLO, HELLO, b"\0\xFF"].concat();
    for (cutting, pieces) in cuttings(&bytes) {
        let seen = download(pieces);
        assert_eq!(seen.data, b"hello", "{cutting}");
        assert_eq!(seen.left, bytes[HELLO.len()..], "{cutting}");
        assert_eq!(seen.finish, Some(Ok(())), "{cutting}");
    }
}

/// R12: a prefix is an error that tells how many bytes arrived and how many were announced.
#[test]
fn every_strict_prefix_of_a_response_is_truncated() {
    for len in 0..HELLO.len() {
        let expected = match u8::try_from(len).unwrap() {
            received @ ..8 => DownloadError::ClosedInHeader { received },
            more => DownloadError::ClosedInData { received: u32::from(more) - 8, expected: 5 },
        };
        for (cutting, pieces) in cuttings(&HELLO[..len]) {
            let seen = download(pieces);
            assert_eq!(seen.finish, Some(Err(expected)), "{len} bytes {cutting}");
            assert_eq!(seen.error, None, "{len} bytes {cutting}");
            assert!(!seen.ended, "{len} bytes {cutting}");
        }
    }
}

#[test]
fn a_refused_response_is_refused_alike_however_it_is_cut() {
    for (bytes, error) in [
        (&b"HTTP/1.1 400"[..], DecodeError::BadMagic { at: 0, found: b'H' }),
        (b"\x49\x00\x02\x01\0\0\0\0", DecodeError::BadMagic { at: 1, found: 0 }),
        (b"\x49\x7E\x01\x00\x05h.txt", DecodeError::BadType { found: 1 }),
        (b"\x49\x7E\x02\x03\0\0\0\0", DecodeError::BadStatus { found: 3 }),
        (b"\x49\x7E\x02\x00\0\0\0\x05hello", DecodeError::UnexpectedData { at: 7, found: 5 }),
        (b"\x49\x7E\x02\x02\x01\0\0\0", DecodeError::UnexpectedData { at: 4, found: 1 }),
    ] {
        for (cutting, pieces) in cuttings(bytes) {
            let seen = download(pieces);
            assert_eq!(seen.error, Some(error.into()), "{cutting}");
            assert_eq!(seen.finish, Some(Err(error.into())), "{cutting}");
            assert_eq!((seen.header, seen.data), (None, vec![]), "{cutting}");
        }
    }
}

#[test]
fn an_error_is_repeated_whatever_comes_next() {
    let mut download = Download::<64>::new(Request::new(Filename::new("h.txt").unwrap()));
    let refused = Err(DecodeError::BadMagic { at: 0, found: b'H' }.into());
    assert_eq!(download.receive(&mut &b"H"[..]), refused);
    for later in [b"".as_slice(), HELLO, b"H"] {
        assert_eq!(download.receive(&mut &later[..]), refused);
    }
    assert!(!download.is_done());
    assert_eq!(download.finish(), refused.map(|_| ()));
}

#[test]
fn an_empty_piece_is_not_the_end() {
    let mut download = Download::<64>::new(Request::new(Filename::new("h.txt").unwrap()));
    for _ in 0..3 {
        assert_eq!(download.receive(&mut &b""[..]), Ok(None));
    }
    let mut input = HELLO;
    assert!(matches!(download.receive(&mut input), Ok(Some(Event::Header(_)))));
}

#[test]
fn a_request_is_handed_out_in_rooms_of_any_size() {
    for name in ["h.txt", "grüße", &"n".repeat(1024)] {
        let expected = request(name.as_bytes());
        for room in [1, 2, 3, 4, 5, 6, 7, 64, 1028, 1029, 1030] {
            let mut download = Download::new(asked(name));
            let mut sent = Vec::new();
            let mut out = vec![0; room];
            while download.wants_transmit() {
                assert_eq!(download.transmit(&mut []), 0);
                let len = download.transmit(&mut out);
                assert_eq!(len, room.min(expected.len() - sent.len()));
                sent.extend_from_slice(&out[..len]);
            }
            assert_eq!(download.transmit(&mut out), 0);
            assert_eq!(sent, expected, "in rooms of {room}");
        }
    }
}
