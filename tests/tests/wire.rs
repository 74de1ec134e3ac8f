//! The golden bytes of PROTOCOL.md, encoded and decoded, and every header that must be refused.
//!
//! If a test here fails, do not change the test: devices in the field speak these bytes.

use fetchlet_codec::{
    BufferTooSmall, DecodeError, Download, Event, Filename, FilenameError, Request, RequestDecoder,
    ResponseDecoder, ResponseHeader, Status,
};

/// The request for `h.txt` (R2).
const HELLO_REQUEST: [u8; 10] = [0x49, 0x7E, 0x01, 0x00, 0x05, 0x68, 0x2E, 0x74, 0x78, 0x74];
/// The response that carries `hello` (R3).
const HELLO_RESPONSE: [u8; 13] =
    [0x49, 0x7E, 0x02, 0x01, 0x00, 0x00, 0x00, 0x05, 0x68, 0x65, 0x6C, 0x6C, 0x6F];
/// The response for an empty file (R3).
const EMPTY_FILE: [u8; 8] = [0x49, 0x7E, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00];
/// The response for a name that leads to no file (R8).
const NOT_FOUND: [u8; 8] = [0x49, 0x7E, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00];
/// The response to bytes that are no request (R5).
const MALFORMED: [u8; 8] = [0x49, 0x7E, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00];

fn request(name: &str) -> Request {
    Request::new(Filename::new(name).unwrap())
}

fn decode_request(mut bytes: &[u8]) -> Result<Option<Request>, DecodeError> {
    RequestDecoder::new().decode(&mut bytes)
}

fn decode_response(mut bytes: &[u8]) -> Result<Option<ResponseHeader>, DecodeError> {
    ResponseDecoder::new().decode(&mut bytes)
}

/// Asserts that the last of `bytes`, and none before, is the byte at which the request is refused.
#[track_caller]
fn request_refused_at_last(bytes: &[u8], error: DecodeError) {
    let (_, before) = bytes.split_last().unwrap();
    assert_eq!(decode_request(bytes), Err(error), "{bytes:02x?}");
    assert_eq!(decode_request(before), Ok(None), "{before:02x?}");
}

/// Asserts the same for a response, for a header decoder and for a download.
#[track_caller]
fn response_refused_at_last(bytes: &[u8], error: DecodeError) {
    let (_, before) = bytes.split_last().unwrap();
    assert_eq!(decode_response(bytes), Err(error), "{bytes:02x?}");
    assert_eq!(decode_response(before), Ok(None), "{before:02x?}");
    let mut download = Download::new(request("h.txt"));
    assert_eq!(download.receive(&mut &before[..]), Ok(None), "{before:02x?}");
    let last = download.receive(&mut &bytes[before.len()..]);
    assert_eq!(last, Err(error.into()), "{bytes:02x?}");
}

#[test]
fn golden_request_is_encoded() {
    let mut out = [0xAA; 12];
    assert_eq!(request("h.txt").encode(&mut out), Ok(10));
    assert_eq!(out[..10], HELLO_REQUEST);
    assert_eq!(out[10..], [0xAA; 2], "bytes after the request were touched");

    let mut out = [0xAA; 12];
    assert_eq!(Download::new(request("h.txt")).transmit(&mut out), 10);
    assert_eq!(out[..10], HELLO_REQUEST);
}

#[test]
fn golden_request_is_decoded() {
    assert_eq!(decode_request(&HELLO_REQUEST), Ok(Some(request("h.txt"))));
}

#[test]
fn golden_responses_are_encoded() {
    assert_eq!(ResponseHeader::file(5).encode(), HELLO_RESPONSE[..8]);
    assert_eq!(ResponseHeader::file(0).encode(), EMPTY_FILE);
    assert_eq!(ResponseHeader::without_data(Status::File).encode(), EMPTY_FILE);
    assert_eq!(ResponseHeader::without_data(Status::NotFound).encode(), NOT_FOUND);
    assert_eq!(ResponseHeader::without_data(Status::Malformed).encode(), MALFORMED);
    let largest = [0x49, 0x7E, 0x02, 0x01, 0xFF, 0xFF, 0xFF, 0xFF];
    assert_eq!(ResponseHeader::file(u32::MAX).encode(), largest);
}

#[test]
fn golden_responses_are_decoded() {
    for (bytes, status, data) in [
        (&HELLO_RESPONSE[..], Status::File, &b"hello"[..]),
        (&EMPTY_FILE, Status::File, b""),
        (&NOT_FOUND, Status::NotFound, b""),
        (&MALFORMED, Status::Malformed, b""),
    ] {
        let mut download = Download::new(request("h.txt"));
        let mut input = bytes;
        let Ok(Some(Event::Header(header))) = download.receive(&mut input) else {
            panic!("no header in {bytes:02x?}");
        };
        assert_eq!(header.status(), status);
        assert_eq!(usize::try_from(header.data_len()), Ok(data.len()));
        if !data.is_empty() {
            assert_eq!(download.receive(&mut input), Ok(Some(Event::Data(data))));
        }
        assert_eq!(download.receive(&mut input), Ok(Some(Event::End)));
        assert!(download.is_done());
        assert_eq!(download.finish(), Ok(()));
    }
}

#[test]
fn a_status_has_its_number() {
    assert_eq!(Status::NotFound as u8, 0);
    assert_eq!(Status::File as u8, 1);
    assert_eq!(Status::Malformed as u8, 2);
}

#[test]
fn the_shortest_and_the_longest_name_are_carried() {
    for len in [1, 255, 256, 1023, 1024] {
        let name = "n".repeat(len);
        let mut out = vec![0; 5 + len];
        assert_eq!(request(&name).encode(&mut out), Ok(5 + len));
        assert_eq!(out, fetchlet_test_kit::request(name.as_bytes()));
        assert_eq!(decode_request(&out), Ok(Some(request(&name))));
    }
}

#[test]
fn a_name_that_no_request_can_carry_is_no_filename() {
    assert_eq!(Filename::<1024>::new(""), Err(FilenameError::Empty));
    assert_eq!(Filename::<8>::new(""), Err(FilenameError::Empty));
    let too_long = FilenameError::TooLong { len: 1025, max: 1024 };
    assert_eq!(Filename::<1024>::new(&"n".repeat(1025)), Err(too_long));
    let too_long = FilenameError::TooLong { len: 9, max: 8 };
    assert_eq!(Filename::<8>::new("123456789"), Err(too_long));
    assert_eq!(Filename::<8>::new("12345678").unwrap().as_str(), "12345678");
}

#[test]
fn a_buffer_that_is_too_small_is_left_alone() {
    for available in 0..10 {
        let mut out = vec![0xAA; available];
        let refused = Err(BufferTooSmall { needed: 10, available });
        assert_eq!(request("h.txt").encode(&mut out), refused);
        assert_eq!(out, vec![0xAA; available]);
    }
}

#[test]
fn every_other_magic_is_refused_at_its_first_wrong_byte() {
    for magic in 0..=u16::MAX {
        let [first, second] = magic.to_be_bytes();
        let bytes = [first, second];
        if magic == 0x497E {
            assert_eq!(decode_request(&bytes), Ok(None));
            assert_eq!(decode_response(&bytes), Ok(None));
            continue;
        }
        let (shown, error) = if first == 0x49 {
            (&bytes[..], DecodeError::BadMagic { at: 1, found: second })
        } else {
            (&bytes[..1], DecodeError::BadMagic { at: 0, found: first })
        };
        request_refused_at_last(shown, error);
        response_refused_at_last(shown, error);
        // Bytes behind the fault do not change the error.
        assert_eq!(decode_request(&bytes), Err(error));
        assert_eq!(decode_response(&bytes), Err(error));
    }
}

#[test]
fn every_other_type_is_refused_at_its_byte() {
    for found in 0..=u8::MAX {
        let bytes = [0x49, 0x7E, found];
        if found == 1 {
            assert_eq!(decode_request(&bytes), Ok(None));
        } else {
            request_refused_at_last(&bytes, DecodeError::BadType { found });
        }
        if found == 2 {
            assert_eq!(decode_response(&bytes), Ok(None));
        } else {
            response_refused_at_last(&bytes, DecodeError::BadType { found });
        }
    }
}

#[test]
fn every_other_status_is_refused_at_its_byte() {
    for found in 0..=u8::MAX {
        let bytes = [0x49, 0x7E, 2, found];
        if found <= 2 {
            assert_eq!(decode_response(&bytes), Ok(None));
        } else {
            response_refused_at_last(&bytes, DecodeError::BadStatus { found });
        }
    }
}

#[test]
fn every_filename_length_is_judged_from_the_header_alone() {
    for len in 0..=u16::MAX {
        let [high, low] = len.to_be_bytes();
        let header = [0x49, 0x7E, 1, high, low];
        match len {
            1..=1024 => assert_eq!(decode_request(&header), Ok(None), "{len}"),
            // The upper byte alone makes the length illegal.
            0x0500.. => {
                let error = DecodeError::BadFilenameLength { at: 3, found: high };
                request_refused_at_last(&header[..4], error);
                assert_eq!(decode_request(&header), Err(error));
            }
            _ => {
                let error = DecodeError::BadFilenameLength { at: 4, found: low };
                request_refused_at_last(&header, error);
            }
        }
    }
}

#[test]
fn a_legal_name_that_is_not_kept_here_is_told_with_both_lengths() {
    for len in 1..=1024_u16 {
        let [high, low] = len.to_be_bytes();
        let mut input: &[u8] = &[0x49, 0x7E, 1, high, low];
        let decoded = RequestDecoder::<64>::new().decode(&mut input);
        if len <= 64 {
            assert_eq!(decoded, Ok(None));
        } else {
            assert_eq!(decoded, Err(DecodeError::FilenameTooLong { len, max: 64 }));
        }
    }
}

#[test]
fn data_where_no_file_follows_is_refused_at_its_first_byte() {
    for status in [0, 2] {
        for at in 4..8 {
            for found in 1..=u8::MAX {
                let mut bytes = vec![0x49, 0x7E, 2, status];
                bytes.resize(usize::from(at), 0);
                bytes.push(found);
                response_refused_at_last(&bytes, DecodeError::UnexpectedData { at, found });
            }
        }
    }
}

#[test]
fn every_byte_of_the_data_length_counts() {
    for shift in [0, 8, 16, 24] {
        for byte in 0..=u8::MAX {
            let len = u32::from(byte) << shift;
            let header = ResponseHeader::file(len);
            let mut bytes = vec![0x49, 0x7E, 2, 1];
            bytes.extend_from_slice(&len.to_be_bytes());
            assert_eq!(header.encode(), bytes[..]);
            assert_eq!(decode_response(&bytes), Ok(Some(header)));
            assert_eq!(decode_response(&bytes[..7]), Ok(None));
        }
    }
}

/// R5: the fault is found as soon as it can be seen, also within the name.
#[test]
fn what_is_not_utf8_is_refused_at_the_byte_that_shows_it() {
    for (name, shown, at, found) in [
        (&b"\x80aaaa"[..], 1, 5, 0x80),
        (b"\xFFaaaa", 1, 5, 0xFF),
        (b"a\xFEaaa", 2, 6, 0xFE),
        (b"\xC0\x80aaa", 1, 5, 0xC0),
        (b"\xC3(aaa", 2, 5, 0xC3),
        (b"a\xE2\x82(a", 4, 6, 0xE2),
        (b"\xED\xA0\x80aa", 2, 5, 0xED),
        (b"\xF4\x90\x80\x80a", 2, 5, 0xF4),
        (b"\xF0\x9F\x98(a", 4, 5, 0xF0),
        // Only the end of the name shows that its last character is incomplete.
        (b"abc\xE2\x82", 5, 8, 0xE2),
    ] {
        let request = fetchlet_test_kit::request(name);
        let error = DecodeError::FilenameNotUtf8 { at, found };
        request_refused_at_last(&request[..5 + shown], error);
        assert_eq!(decode_request(&request), Err(error));
    }
}
