//! The server's side of a connection: requests one after another, of both types, cut anywhere
//! (R6, R7, R32), and the answers that follow from a file (R19, R20, R23).

use fetchlet_codec::{
    AnswerError, DecodeError, Digest, FetchResponse, Filename, Known, Request, Serve, ServeRequest,
    ServedFile, Tag, Version,
};
use fetchlet_test_kit::{cuttings, request};

use crate::raw::{HELLO_SHA256, RawRequest, ask, hello_tag, hello_version};

/// The requests of pieces, the error that ended them, and the bytes left behind the last.
fn serve(pieces: Vec<&[u8]>) -> (Vec<ServeRequest<64>>, Option<DecodeError>, Vec<u8>) {
    let mut serve = Serve::new();
    let (mut requests, mut error, mut left) = (Vec::new(), None, Vec::new());
    for piece in pieces {
        let mut input = piece;
        loop {
            let before = serve.received();
            let len = input.len();
            match serve.receive(&mut input) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) if serve.is_closing() => break left.extend_from_slice(input),
                Ok(None) => break assert_eq!(serve.received(), before + len),
                Err(found) => {
                    break error = Some(error.map_or(found, |first| {
                        assert_eq!(first, found);
                        first
                    }));
                }
            }
        }
        assert!(serve.is_closing() || input.is_empty());
    }
    (requests, error, left)
}

fn get(name: &str) -> ServeRequest<64> {
    ServeRequest::Get(Request::new(Filename::new(name).unwrap()))
}

#[test]
fn pipelined_requests_come_out_one_by_one_however_they_are_cut() {
    let tag = Tag::new(hello_tag());
    let fetches = [
        ask().want_digest().want_modified(),
        ask().from_offset(0x0102_0304_0506_0708).limit(9).if_tag(tag),
        ask().if_other_tag(tag).limit(0),
    ];
    let mut bytes = Vec::new();
    for fetch in &fetches {
        let mut out = [0; 64];
        let len = fetch.encode(&mut out).unwrap();
        bytes.extend_from_slice(&out[..len]);
    }
    bytes.extend_from_slice(&RawRequest::new("grüße/日本/😀".as_bytes()).bytes());
    let expected: Vec<_> = fetches.into_iter().map(ServeRequest::Fetch).collect();
    for (cutting, pieces) in cuttings(&bytes) {
        let (requests, error, left) = serve(pieces);
        assert_eq!(requests[..3], expected[..], "{cutting}");
        let ServeRequest::Fetch(last) = &requests[3] else { panic!("{cutting}") };
        assert_eq!(last.filename().as_str(), "grüße/日本/😀", "{cutting}");
        assert_eq!((requests.len(), error, left), (4, None, vec![]), "{cutting}");
    }
}

/// R32: type 1 may come last, and what follows it is not read (R7).
#[test]
fn a_request_of_type_1_is_the_last() {
    for first in [vec![], RawRequest::new(b"h.txt").bytes()] {
        let bytes = [&first[..], &request(b"h.txt"), &request(b"later"), b"\xFF"].concat();
        for (cutting, pieces) in cuttings(&bytes) {
            let (requests, error, left) = serve(pieces);
            assert_eq!(requests.last(), Some(&get("h.txt")), "{cutting}");
            assert_eq!(requests.len(), 1 + usize::from(!first.is_empty()), "{cutting}");
            assert_eq!((error, &left[..]), (None, &bytes[first.len() + 10..]), "{cutting}");
        }
    }
}

/// R32: earlier requests are answered first; the malformed one's type decides on its answer.
#[test]
fn a_malformed_request_in_the_middle_ends_the_connection() {
    let good = RawRequest::new(b"h.txt").bytes();
    for (bad, error) in [
        (&b"\x49\x7E\x03\x00\x1D"[..], DecodeError::BadLength { at: 4, found: 0x1D }),
        (b"\x49\x7E\x01\x00\x00", DecodeError::BadFilenameLength { at: 4, found: 0 }),
        (b"\x49\x7E\x04", DecodeError::BadType { found: 4 }),
        (b"GET /", DecodeError::BadMagic { at: 0, found: b'G' }),
    ] {
        let bytes = [&good[..], &good, bad, &good].concat();
        for (cutting, pieces) in cuttings(&bytes) {
            let (requests, found, _) = serve(pieces);
            assert_eq!((requests.len(), found), (2, Some(error)), "{cutting}");
        }
    }
}

/// R6, R33: an end after 0 bytes cuts nothing off.
#[test]
fn what_is_unfinished_is_counted() {
    for bytes in [RawRequest::new(b"h.txt").bytes(), request(b"h.txt")] {
        for len in 0..bytes.len() {
            for (_, pieces) in cuttings(&bytes[..len]) {
                let mut serve = Serve::<64>::new();
                for mut piece in pieces {
                    assert_eq!(serve.receive(&mut piece), Ok(None));
                }
                assert_eq!((serve.received(), serve.is_closing()), (len, false));
            }
        }
        let mut serve = Serve::<64>::new();
        assert!(serve.receive(&mut &bytes[..]).unwrap().is_some());
        assert_eq!(serve.received(), 0);
    }
}

/// R23: the tag matches if it is either of the two, and the answer carries the one asked for.
#[test]
fn both_tags_of_a_file_match() {
    let hint = Tag::new([9; 16]);
    let content = Tag::new(hello_tag());
    let file = ServedFile::new(5, hint).unwrap();
    let hashed = file.with_digest(Digest::new(HELLO_SHA256));
    let hint_version = Version::from_hint(5, hint).unwrap();
    for (file, tag, expected) in [
        (file, hint, Some(hint_version)),
        (file, content, None),
        (hashed, hint, Some(hint_version)),
        (hashed, content, Some(hello_version())),
        (hashed, Tag::new([0; 16]), None),
    ] {
        let current = if file == hashed { hello_version() } else { hint_version };
        let only_if = file.answer(&ask().if_tag(tag));
        let only_other = file.answer(&ask().if_other_tag(tag));
        if let Some(version) = expected {
            let known = Known::new(version, 0);
            assert_eq!(only_if, FetchResponse::data(known, 5).unwrap());
            assert_eq!(only_other, FetchResponse::Unchanged(known));
        } else {
            let known = Known::new(current, 0);
            assert_eq!(only_if, FetchResponse::Changed(known));
            assert_eq!(only_other, FetchResponse::data(known, 5).unwrap());
        }
    }
    let unconditional = Known::new(hello_version(), 0);
    assert_eq!(hashed.answer(&ask()), FetchResponse::data(unconditional, 5).unwrap());
}

/// R19: changed goes before beyond the end, and what was not asked for is not told.
#[test]
fn the_first_status_that_holds_is_the_answer() {
    let file = ServedFile::new(5, Tag::new([9; 16])).unwrap().with_modified(-3);
    let file = file.with_digest(Digest::new(HELLO_SHA256));
    let other = Tag::new([8; 16]);
    let known = |offset| Known::new(hello_version(), offset);
    let beyond = FetchResponse::beyond_end(known(6)).unwrap();
    for (request, answer) in [
        (ask().from_offset(6).if_tag(other), FetchResponse::Changed(known(6))),
        (ask().from_offset(6), beyond),
        (ask().from_offset(6).if_version(hello_version()), beyond),
        (ask().from_offset(5), FetchResponse::data(known(5), 0).unwrap()),
        (ask().from_offset(1).limit(3), FetchResponse::data(known(1), 3).unwrap()),
        (ask().limit(0), FetchResponse::data(known(0), 0).unwrap()),
        (ask().want_modified().if_tag(other), FetchResponse::Changed(known(0).with_modified(-3))),
        (
            ask().want_digest().from_offset(9),
            FetchResponse::beyond_end(known(9).with_digest(Digest::new(HELLO_SHA256)).unwrap())
                .unwrap(),
        ),
    ] {
        assert_eq!(file.answer(&request), answer);
    }
}

#[test]
fn an_answer_that_no_client_accepts_is_not_made() {
    let known = Known::new(hello_version(), 3);
    let too_long = AnswerError::DataTooLong { data_len: 3, max: 2 };
    assert_eq!(FetchResponse::data(known, 3), Err(too_long));
    let in_file = AnswerError::OffsetInFile { offset: 3, total: 5 };
    assert_eq!(FetchResponse::beyond_end(known), Err(in_file));
    let beyond = AnswerError::OffsetBeyondEnd { offset: 6, total: 5 };
    assert_eq!(FetchResponse::data(Known::new(hello_version(), 6), 0), Err(beyond));
    assert_eq!(known.with_digest(Digest::new([0; 32])), Err(AnswerError::OtherDigest));
    assert!(known.with_digest(Digest::new(HELLO_SHA256)).is_ok());

    let all = FetchResponse::data(known, 2).unwrap();
    assert_eq!(all.at_most(1).data_len(), 1);
    assert_eq!(all.at_most(0).data_len(), 1);
    assert_eq!(all.at_most(9), all);
    assert_eq!(FetchResponse::data(known, 0).unwrap().at_most(9).data_len(), 0);
}
