//! What a FETCH server answers, as raw bytes, each with its rule.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use fetchlet_test_kit::fetch::{
    DIGEST, FileVersion, GOLDEN, IF_OTHER, IF_THIS, RawAnswer, RawFetch,
};
use fetchlet_test_kit::{HELLO, LIMIT, MALFORMED, NOT_FOUND, cuttings, within};
use fetchlet_test_kit::{assert_same, connect, exchange, random_bytes, read_all, request};

use crate::python_fetch::python_server;

/// The answer to a malformed request of type 3 (R5).
const MALFORMED_FETCH: &[u8] = b"\x49\x7E\x04\x02\0\0\0\0";

/// Longer than the other files together, so that it needs many segments.
const LARGE: usize = 300_001;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("h.txt"), "hello").unwrap();
    fs::write(folder.path().join("large"), random_bytes(7, LARGE)).unwrap();
    folder
}

/// Starts each server there is and passes its address to `check`, with the served folder.
fn each_server(check: impl Fn(SocketAddr, &Path)) {
    let folder = folder();
    let python = python_server(folder.path(), &[]);
    check(([127, 0, 0, 1], python.port()).into(), folder.path());
}

/// Writes `bytes`, then closes the sending side, and returns all that comes (R33).
fn all_answers(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut connection = connect(addr).unwrap();
    connection.write_all(bytes).unwrap();
    connection.shutdown(Shutdown::Write).unwrap();
    read_all(connection).unwrap()
}

/// Reads one answer of `len` bytes and leaves the connection open.
fn answer(connection: &mut TcpStream, request: &[u8], len: usize) -> Vec<u8> {
    connection.write_all(request).unwrap();
    let mut received = vec![0; len];
    connection.read_exact(&mut received).unwrap();
    received
}

#[test]
fn golden_requests_get_golden_answers_on_one_connection() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let mut connection = connect(addr).unwrap();
            for golden in GOLDEN.iter().chain(&GOLDEN) {
                let received = answer(&mut connection, golden.request, golden.response.len());
                assert_eq!(received, golden.response, "{}", golden.what);
            }
            let not_found = RawFetch::all("nothing").encode();
            let expected = RawAnswer::without_file(0).encode();
            assert_eq!(answer(&mut connection, &not_found, 8), expected);
        });
    });
}

#[test]
fn pipelined_requests_are_answered_in_order_however_they_are_cut() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let requests = GOLDEN.map(|golden| golden.request).concat();
            let answers = GOLDEN.map(|golden| golden.response).concat();
            // R31: the first has its answer before more is sent.
            for (cutting, pieces) in cuttings(&requests).into_iter().step_by(9) {
                let mut connection = connect(addr).unwrap();
                connection.set_nodelay(true).unwrap();
                let first = GOLDEN[0];
                let received = answer(&mut connection, first.request, first.response.len());
                assert_eq!(received, first.response);
                pieces.iter().for_each(|piece| connection.write_all(piece).unwrap());
                connection.shutdown(Shutdown::Write).unwrap();
                assert_eq!(read_all(connection).unwrap(), answers, "{cutting}");
            }
        });
    });
}

/// Returns requests that R18, R21 and R5 call malformed, by what is wrong.
fn malformed_requests() -> Vec<(&'static str, Vec<u8>)> {
    let all = RawFetch::all("h.txt");
    let with = |flags, offset, tag| RawFetch { flags, offset, tag: [tag; 16], ..all.clone() };
    vec![
        ("no filename", RawFetch::all("").encode()),
        ("a filename of 1025 bytes", RawFetch::all(&"n".repeat(1025)).encode()),
        ("a filename that is not UTF-8", RawFetch { name: vec![0xFF], ..all.clone() }.encode()),
        ("both conditions", with(IF_THIS | IF_OTHER, 0, 1).encode()),
        ("flag 08", with(0x08, 0, 0).encode()),
        ("another, from an offset", with(IF_OTHER, 1, 1).encode()),
        ("a tag without condition", with(DIGEST, 0, 1).encode()),
    ]
}

#[test]
fn a_malformed_request_is_answered_behind_the_earlier_ones_and_ends_the_connection() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let [first, ..] = GOLDEN;
            let others: [(_, &[u8]); 2] = [("type 5", b"\x49\x7E\x05"), ("no magic", b"GET")];
            let others = others.map(|(what, bytes)| (what, bytes.to_vec(), MALFORMED));
            let of_type_3 = malformed_requests().into_iter();
            let of_type_3 = of_type_3.map(|(what, bytes)| (what, bytes, MALFORMED_FETCH));
            for (what, bad, refusal) in of_type_3.chain(others) {
                assert_eq!(exchange(addr, &bad).unwrap(), refusal, "{what}, first");
                let bytes = [first.request, first.request, &bad, first.request].concat();
                let expected = [first.response, first.response, refusal].concat();
                assert_eq!(exchange(addr, &bytes).unwrap(), expected, "{what}, in the middle");
            }
        });
    });
}

#[test]
fn a_fault_is_answered_before_the_rest_of_the_request_is_there() {
    within(LIMIT, || {
        each_server(|addr, _| {
            // No name follows, and the client does not close: only these bytes show the fault.
            for (what, shown) in [
                ("a length of 29", &b"\x49\x7E\x03\x00\x1D"[..]),
                ("a length over 1053", b"\x49\x7E\x03\x05"),
                ("flag 08", b"\x49\x7E\x03\x00\x22\x08"),
                ("04 with an offset", b"\x49\x7E\x03\x00\x22\x04\x01"),
                ("a tag", &[&b"\x49\x7E\x03\x00\x22\x00"[..], &[0; 12], &[1]].concat()),
            ] {
                assert_eq!(exchange(addr, shown).unwrap(), MALFORMED_FETCH, "{what}");
            }
        });
    });
}

#[test]
fn unknown_flags_of_f0_are_ignored() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let [mut request, ..] = GOLDEN.map(|golden| golden.request.to_vec());
            request[5] |= 0xE0;
            assert_eq!(all_answers(addr, &request), GOLDEN[0].response);
        });
    });
}

#[test]
fn type_1_may_come_last_and_ends_the_connection() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let [first, ..] = GOLDEN;
            for (name, expected) in [(&b"h.txt"[..], HELLO), (b"nothing", NOT_FOUND)] {
                assert_eq!(exchange(addr, &request(name)).unwrap(), expected);
                let bytes = [first.request, &request(name), first.request].concat();
                let answers = [first.response, expected].concat();
                assert_eq!(exchange(addr, &bytes).unwrap(), answers);
            }
        });
    });
}

#[test]
fn every_offset_limit_and_condition_gets_the_status_of_the_table() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let version = FileVersion::hashed(b"hello");
            let mut other = version.tag;
            other[15] ^= 1;
            let mut requests = Vec::new();
            for flags in [0, DIGEST, IF_THIS, IF_THIS | DIGEST, IF_OTHER, IF_OTHER | DIGEST] {
                for tag in [version.tag, other] {
                    let tag = if flags & (IF_THIS | IF_OTHER) == 0 { [0; 16] } else { tag };
                    for limit in [0, 1, 4, 5, 6, u32::MAX] {
                        let offsets = if flags & IF_OTHER == 0 {
                            &[0, 1, 4, 5, 6, u64::MAX][..]
                        } else {
                            &[0]
                        };
                        requests.extend(offsets.iter().map(|&offset| RawFetch {
                            flags,
                            offset,
                            limit,
                            tag,
                            name: b"h.txt".to_vec(),
                        }));
                    }
                }
            }
            let mut connection = connect(addr).unwrap();
            for request in requests {
                let expected = RawAnswer::honest(&request, &version).encode();
                let received = answer(&mut connection, &request.encode(), expected.len());
                assert_eq!(received, expected, "{request:?}");
            }
        });
    });
}

#[test]
fn the_modification_time_comes_on_request_and_its_hint_is_a_tag() {
    within(LIMIT, || {
        each_server(|addr, folder| {
            let modified = fs::metadata(folder.join("h.txt")).unwrap().modified().unwrap();
            let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
            let mtime = i64::try_from(since.as_nanos()).unwrap();
            let timed = RawFetch { flags: 0x10, ..RawFetch::all("h.txt") };
            let version = FileVersion { mtime, ..FileVersion::hashed(b"hello") };
            let expected = RawAnswer::honest(&timed, &version).encode();
            assert_eq!(all_answers(addr, &timed.encode()), expected);

            // R23: a request's tag matches also if it is the hint, and the answer carries it.
            let hinted = FileVersion::hinted(b"hello", mtime);
            let going_on = RawFetch { flags: IF_THIS, offset: 3, tag: hinted.tag, ..timed.clone() };
            let expected = RawAnswer::honest(&going_on, &hinted).encode();
            assert_eq!(all_answers(addr, &going_on.encode()), expected);
        });
    });
}

#[test]
fn an_empty_file_is_answered_without_data() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let request = RawFetch { flags: DIGEST, ..RawFetch::all("empty") };
            let expected = RawAnswer::honest(&request, &FileVersion::hashed(b"")).encode();
            assert_eq!(all_answers(addr, &request.encode()), expected);
        });
    });
}

#[test]
fn a_preamble_of_another_protocol_is_closed_without_an_answer() {
    within(LIMIT, || {
        each_server(|addr, _| {
            let tls = &b"\x16\x03\x01\x02\x00"[..];
            let proxy = b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n";
            let binary = b"\r\n\r\n\0\r\nQUIT\n";
            for preamble in [tls, proxy, binary] {
                for len in 1..=preamble.len() {
                    let shown = &preamble[..len];
                    assert_eq!(all_answers(addr, shown), b"", "{}", shown.escape_ascii());
                }
            }
            for other in [&b"PX"[..], b"PROXX ", b"\r\n\r\nx", b"\x15"] {
                let answer = exchange(addr, other).unwrap();
                assert_eq!(answer, MALFORMED, "{}", other.escape_ascii());
            }
        });
    });
}

#[test]
fn an_idle_connection_ends_after_the_keep_alive_time() {
    within(LIMIT, || {
        let folder = folder();
        let server = python_server(folder.path(), &["--keep-alive", "0.05"]);
        let mut connection = connect(([127, 0, 0, 1], server.port()).into()).unwrap();
        let [first, ..] = GOLDEN;
        let received = answer(&mut connection, first.request, first.response.len());
        assert_eq!(received, first.response);
        connection.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        assert_eq!(connection.read(&mut [0; 1]).unwrap(), 0);
    });
}

#[test]
fn a_slow_reader_gets_the_end_of_an_answer_after_the_keep_alive_time() {
    within(LIMIT, || {
        let folder = folder();
        let server = python_server(folder.path(), &["--keep-alive", "0.05"]);
        let mut connection = connect(([127, 0, 0, 1], server.port()).into()).unwrap();
        let content = fs::read(folder.path().join("large")).unwrap();
        let all = RawFetch::all("large");
        let expected = RawAnswer::honest(&all, &FileVersion::hashed(&content)).encode();
        connection.write_all(&all.encode()).unwrap();
        let slow = expected.chunks(LARGE / 6).flat_map(|piece| {
            // The whole answer is on its way, and the client takes six times the keep-alive time.
            let mut received = vec![0; piece.len()];
            connection.read_exact(&mut received).unwrap();
            pause();
            received
        });
        assert_same(&slow.collect::<Vec<_>>(), &expected);
        assert_eq!(connection.read(&mut [0; 1]).unwrap(), 0);
    });
}

#[expect(clippy::disallowed_methods, reason = "a client that is slow on purpose")]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}
