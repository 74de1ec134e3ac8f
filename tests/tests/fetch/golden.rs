//! The golden bytes of PROTOCOL.md, encoded and decoded.
//!
//! If a test here fails, do not change the test: devices in the field speak these bytes.

use fetchlet_codec::{
    Digest, Fetch, FetchError, FetchRequest, FetchResponse, Filename, Known, Serve, ServeRequest,
    ServedFile, Tag, Version,
};

use crate::raw::{HELLO_SHA256, ask, hello_tag, hello_version, receive};

/// FETCH `h.txt`, all, with digest.
const ALL: &[u8] = b"\x49\x7E\x03\x00\x22\x01\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x68\x2E\x74\x78\x74";

/// The answer to it; the file holds `hello`.
const ALL_ANSWER: &[u8] =
    b"\x49\x7E\x04\x01\x00\x00\x00\x47\x03\x42\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\
    \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E\
    \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E\
    \x1B\x16\x1E\x5C\x1F\xA7\x42\x5E\x73\x04\x33\x62\x93\x8B\x98\x24\x68\x65\x6C\x6C\x6F";

/// From offset 3, if still this one.
const REST: &[u8] = b"\x49\x7E\x03\x00\x22\x02\0\0\0\0\0\0\0\x03\xFF\xFF\xFF\xFF\
    \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E\x68\x2E\x74\x78\x74";

/// The answer to it.
const REST_ANSWER: &[u8] =
    b"\x49\x7E\x04\x01\x00\x00\x00\x24\x02\x22\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x03\
    \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E\x6C\x6F";

/// If it is another, limit 0.
const IF_OTHER: &[u8] = b"\x49\x7E\x03\x00\x22\x04\0\0\0\0\0\0\0\0\0\0\0\0\
    \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E\x68\x2E\x74\x78\x74";

/// Unchanged.
const UNCHANGED: &[u8] =
    b"\x49\x7E\x04\x05\x00\x00\x00\x22\x02\x22\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\
    \x2C\xF2\x4D\xBA\x5F\xB0\xA3\x0E\x26\xE8\x3B\x2A\xC5\xB9\xE2\x9E";

const NOT_FOUND: &[u8] = b"\x49\x7E\x04\x00\x00\x00\x00\x00";
const MALFORMED: &[u8] = b"\x49\x7E\x04\x02\x00\x00\x00\x00";
const NOT_NOW: &[u8] = b"\x49\x7E\x04\x06\x00\x00\x00\x02\x00\x1E";
const NOT_NOW_NO_TIME: &[u8] = b"\x49\x7E\x04\x06\x00\x00\x00\x00";

/// The requests, each with its bytes.
fn requests() -> [(FetchRequest<64>, &'static [u8]); 3] {
    let tag = Tag::new(hello_tag());
    [
        (ask().want_digest(), ALL),
        (ask().from_offset(3).if_tag(tag), REST),
        (ask().if_other_tag(tag).limit(0), IF_OTHER),
    ]
}

/// The file that holds `hello`, as a server knows it.
fn hello() -> ServedFile {
    ServedFile::new(5, Tag::new([9; 16])).unwrap().with_digest(Digest::new(HELLO_SHA256))
}

#[test]
fn golden_requests_are_encoded() {
    for (request, bytes) in requests() {
        let mut out = [0xAA; 41];
        assert_eq!(request.encode(&mut out), Ok(39));
        assert_eq!(out[..39], *bytes);
        assert_eq!(out[39..], [0xAA; 2], "bytes after the request were touched");
        for room in 1..=40 {
            let mut fetch = Fetch::new(request.clone());
            let (mut sent, mut out) = (Vec::new(), vec![0; room]);
            while fetch.wants_transmit() {
                let len = fetch.transmit(&mut out);
                assert_eq!(len, room.min(39 - sent.len()));
                sent.extend_from_slice(&out[..len]);
            }
            assert_eq!(fetch.transmit(&mut out), 0);
            assert_eq!(sent, bytes, "in rooms of {room}");
        }
    }
}

#[test]
fn golden_requests_are_decoded() {
    for (request, bytes) in requests() {
        let mut input = bytes;
        let decoded = Serve::new().receive(&mut input);
        assert_eq!(decoded, Ok(Some(ServeRequest::Fetch(request))));
        assert!(input.is_empty());
    }
}

#[test]
fn a_version_is_asked_for_by_its_tag() {
    assert_eq!(ask().from_offset(3).if_version(hello_version()), requests()[1].0);
}

#[test]
fn the_answers_of_a_server_are_the_golden_ones() {
    for ((request, _), answer, data) in [
        (&requests()[0], ALL_ANSWER, &b"hello"[..]),
        (&requests()[1], REST_ANSWER, b"lo"),
        (&requests()[2], UNCHANGED, b""),
    ] {
        let response = hello().answer(request);
        assert_eq!(usize::try_from(response.data_len()).unwrap(), data.len());
        assert_eq!([&response.encode(), data].concat(), answer);
    }
    assert_eq!(FetchResponse::NotFound.encode()[..], *NOT_FOUND);
    assert_eq!(FetchResponse::Malformed.encode()[..], *MALFORMED);
    assert_eq!(FetchResponse::NotNow { retry_after: Some(30) }.encode()[..], *NOT_NOW);
    assert_eq!(FetchResponse::NotNow { retry_after: None }.encode()[..], *NOT_NOW_NO_TIME);
}

#[test]
fn golden_answers_are_received() {
    let digest = Digest::new(HELLO_SHA256);
    let known = |offset| Known::new(hello_version(), offset);
    let [all, rest, if_other] = requests().map(|(request, _)| request);
    for (request, bytes, response, data) in [
        (
            &all,
            ALL_ANSWER,
            FetchResponse::data(known(0).with_digest(digest).unwrap(), 5).unwrap(),
            &b"hello"[..],
        ),
        (&rest, REST_ANSWER, FetchResponse::data(known(3), 2).unwrap(), b"lo"),
        (&if_other, UNCHANGED, FetchResponse::Unchanged(known(0)), b""),
        (&all, NOT_FOUND, FetchResponse::NotFound, b""),
        (&all, MALFORMED, FetchResponse::Malformed, b""),
        (&all, NOT_NOW, FetchResponse::NotNow { retry_after: Some(30) }, b""),
        (&all, NOT_NOW_NO_TIME, FetchResponse::NotNow { retry_after: None }, b""),
    ] {
        let received = receive(Fetch::new(request.clone()), [bytes]);
        assert_eq!(received.response, Some(response));
        assert_eq!((&received.data[..], received.ended, received.finish), (data, true, Ok(())));
    }
}

/// R35: what a server of the first pair says to a first FETCH is no answer and no fault.
#[test]
fn a_server_of_the_first_pair_is_told_apart() {
    let old = b"\x49\x7E\x02\x02\0\0\0\0";
    let received = receive(Fetch::new(ask()), [&old[..]]);
    assert_eq!(received.finish, Err(FetchError::FirstPairOnly));
    assert_eq!((received.response, received.ended), (None, false));
}

#[test]
fn the_shortest_and_the_longest_name_are_carried() {
    for len in [1, 227, 228, 995, 1023, 1024] {
        let name = "n".repeat(len);
        let request = FetchRequest::<1024>::new(Filename::new(&name).unwrap());
        let mut out = vec![0; 34 + len];
        assert_eq!(request.encode(&mut out), Ok(34 + len));
        assert_eq!(out[3..5], u16::try_from(29 + len).unwrap().to_be_bytes());
        assert_eq!(Serve::new().receive(&mut &out[..]), Ok(Some(ServeRequest::Fetch(request))));
    }
}

#[test]
fn the_largest_values_are_carried() {
    let total = (1 << 63) - 1;
    let version = Version::new(total, Tag::new([0xFF; 16]), false).unwrap();
    let request = ask().from_offset(total).if_version(version).want_modified();
    let known = Known::new(version, total).with_modified(i64::MIN);
    let response = FetchResponse::data(known, 0).unwrap();
    let received = receive(Fetch::new(request), [&response.encode()[..]]);
    assert_eq!((received.response, received.finish), (Some(response), Ok(())));
    assert!(Version::new(total + 1, Tag::new([0; 16]), false).is_err());

    let known = Known::new(version, 0);
    let most = u32::MAX - 34;
    assert!(FetchResponse::data(known, most + 1).is_err());
    let response = FetchResponse::data(known, most).unwrap();
    let mut fetch = Fetch::new(ask());
    assert!(fetch.receive(&mut &response.encode()[..]).is_ok());
    assert_eq!(fetch.progress().map(|progress| progress.expected), Some(most));
    let file = ServedFile::new(total, version.tag()).unwrap();
    assert_eq!(file.answer(&ask()), response);
}
