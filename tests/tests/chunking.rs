//! R4: the outcome never depends on where the bytes were cut, whether they are whole, too many, too
//! few or wrong.

use fetchlet_codec::{
    DecodeError, Download, DownloadError, Event, Filename, Request, RequestDecoder,
    ResponseDecoder, ResponseHeader, Status,
};
use fetchlet_tests::{Noise, cut, cuttings, request};
use proptest::prelude::*;
use proptest::test_runner::Config;

const HELLO: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x05hello";
const NOT_FOUND: &[u8] = b"\x49\x7E\x02\x00\x00\x00\x00\x00";

/// All that can be seen of a download, but for where its data was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    header: Option<ResponseHeader>,
    data: Vec<u8>,
    ended: bool,
    error: Option<DownloadError>,
    /// Bytes that were not taken, up to the first piece that was not asked for.
    left: Vec<u8>,
    finish: Option<Result<(), DownloadError>>,
}

/// Feeds the pieces to a download and holds it to its contract on the way.
fn download<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut download = Download::<64>::new(Request::new(Filename::new("h.txt").unwrap()));
    let mut seen = Seen::default();
    for piece in pieces {
        let mut input = piece;
        loop {
            match download.receive(&mut input) {
                Ok(Some(Event::Header(header))) => {
                    assert_eq!(seen.header.replace(header), None, "a second header");
                }
                Ok(Some(Event::Data(data))) => {
                    assert!(!data.is_empty(), "data without a byte");
                    assert!(!seen.ended, "data after the end");
                    seen.data.extend_from_slice(data);
                    let announced = seen.header.expect("data before a header").len();
                    assert!(seen.data.len() <= announced as usize, "more than announced (R13)");
                }
                Ok(Some(Event::End)) => {
                    assert!(!seen.ended, "a second end");
                    assert_eq!(seen.data.len(), seen.header.unwrap().len() as usize);
                    seen.ended = true;
                }
                Ok(None) => {
                    assert!(input.is_empty() || download.is_done(), "bytes left: {input:02x?}");
                    break;
                }
                Err(error) => {
                    assert!(seen.error.is_none_or(|first| first == error), "another error");
                    seen.error = Some(error);
                    break;
                }
            }
        }
        assert_eq!(download.is_done(), seen.ended);
        if seen.error.is_none() {
            seen.left.extend_from_slice(input);
        }
    }
    seen.finish = Some(download.finish());
    seen
}

/// As above for a request: what was decoded, and what was left of the bytes.
fn decode_request<'a, const N: usize>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Result<Option<Request<N>>, DecodeError>, Vec<u8>) {
    let mut decoder = RequestDecoder::new();
    let mut pieces = pieces.into_iter();
    let mut taken = 0;
    for piece in &mut pieces {
        let mut input = piece;
        let decoded = decoder.decode(&mut input);
        taken += piece.len() - input.len();
        match decoded {
            Ok(None) => {
                assert!(input.is_empty(), "bytes left: {input:02x?}");
                assert_eq!(decoder.received(), taken);
            }
            Ok(Some(request)) => {
                assert_eq!(decoder.received(), 0, "not ready for another request");
                let mut left = input.to_vec();
                left.extend(pieces.flatten());
                return (Ok(Some(request)), left);
            }
            Err(error) => {
                for later in pieces {
                    assert_eq!(decoder.decode(&mut &later[..]), Err(error), "another error");
                }
                return (Err(error), Vec::new());
            }
        }
    }
    (Ok(None), Vec::new())
}

fn asked(name: &str) -> Request {
    Request::new(Filename::new(name).unwrap())
}

/// h11's `tr()`: whole, byte by byte with nothing before the last, and with bytes that follow.
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
        // The same decoder is ready for the next one.
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
            let (decoded, left) = decode_request(pieces);
            assert_eq!(decoded, Ok(Some(asked(name))), "{cutting}");
            assert_eq!(left, b"later", "{cutting}");
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
        let (whole, _) = decode_request::<64>([&bytes[..]]);
        assert!(whole.is_err(), "{bytes:02x?}");
        for (cutting, pieces) in cuttings(&bytes) {
            assert_eq!(decode_request::<64>(pieces).0, whole, "{cutting}");
        }
    }
}

#[test]
fn a_response_is_the_same_however_it_is_cut() {
    let mut long = ResponseHeader::file(1500).encode().to_vec();
    long.extend(Noise::new(5).bytes(1500));
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

/// R12, with the counts that tell how far it got.
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

/// Bytes that get far: a response with some of its bytes replaced, or cut off, or followed by more.
fn nearly_a_response() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![4 => Just(1_u8), 1 => any::<u8>()];
    let len = prop_oneof![0..40_u32, any::<u32>()];
    let tail = prop::collection::vec(any::<u8>(), 0..60);
    let damage = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (status, len, tail, damage).prop_map(|(status, len, tail, damage)| {
        let mut bytes = vec![0x49, 0x7E, 2, status];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&tail);
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

/// The same for a request.
fn nearly_a_request() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        "\\PC{1,20}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..80),
    ];
    let damage = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    let tail = prop::collection::vec(any::<u8>(), 0..5);
    (name, damage, tail).prop_map(|(name, damage, tail)| {
        let mut bytes = [request(&name), tail].concat();
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..12_usize, 1..20)
        .prop_filter("all 0 would never end", |lengths| lengths.iter().any(|len| *len > 0))
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_request_comes_back_from_its_bytes(name in "\\PC{1,256}", lengths in lengths()) {
        let request = asked(&name);
        let mut bytes = vec![0; request.encoded_len()];
        prop_assert_eq!(request.encode(&mut bytes), Ok(bytes.len()));
        let (decoded, left) = decode_request(cut(&bytes, lengths));
        prop_assert_eq!(decoded, Ok(Some(request)));
        prop_assert_eq!(left, b"");
    }

    #[test]
    fn a_header_comes_back_from_its_bytes(len: u32) {
        let header = ResponseHeader::file(len);
        let decoded = ResponseDecoder::new().decode(&mut &header.encode()[..]);
        prop_assert_eq!(decoded, Ok(Some(header)));
    }

    #[test]
    fn any_bytes_are_the_same_response_however_they_are_cut(
        bytes in prop_oneof![nearly_a_response(), prop::collection::vec(any::<u8>(), 0..40)],
        lengths in lengths(),
    ) {
        prop_assert_eq!(download(cut(&bytes, lengths)), download([&bytes[..]]));
    }

    #[test]
    fn any_bytes_are_the_same_request_however_they_are_cut(
        bytes in prop_oneof![nearly_a_request(), prop::collection::vec(any::<u8>(), 0..40)],
        lengths in lengths(),
    ) {
        prop_assert_eq!(decode_request::<64>(cut(&bytes, lengths)), decode_request([&bytes[..]]));
    }

    /// The decoder agrees with the rules, written down once more the short way.
    #[test]
    fn what_is_decoded_is_what_the_rules_say(bytes in nearly_a_request()) {
        let (decoded, _) = decode_request::<1024>([&bytes[..]]);
        let len = bytes.get(3..5).map_or(0, |len| usize::from(len[0]) << 8 | usize::from(len[1]));
        let named = bytes.get(5..5 + len).map(std::str::from_utf8);
        if !bytes.starts_with(b"\x49\x7E\x01") || len == 0 || len > 1024 {
            prop_assert!(decoded.is_err());
        } else if let Some(named) = named {
            prop_assert_eq!(decoded.ok(), named.ok().map(|name| Some(asked(name))));
        } else if let Ok(request) = decoded {
            prop_assert_eq!(request, None);
        }
    }
}
