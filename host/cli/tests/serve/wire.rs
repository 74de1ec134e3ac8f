//! Bytes on the wire: golden answers, requests in pieces, surplus bytes, and malformed requests.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;

use fetchlet_test_kit::{
    MALFORMED, NOT_FOUND, ask, connect, exchange, random_bytes, read_all, request, response,
};

use crate::harness::*;

#[test]
fn golden_answers() {
    let folder = folder(&[("h.txt", b"hello"), ("empty", b"")]);
    let (_program, address) = serve(folder.path(), &[]);
    // If one of these fails, do not change the bytes: they are the protocol's.
    let table: &[(&[u8], &[u8])] = &[
        (b"\x49\x7E\x01\x00\x05h.txt", b"\x49\x7E\x02\x01\x00\x00\x00\x05hello"),
        (b"\x49\x7E\x01\x00\x05empty", b"\x49\x7E\x02\x01\x00\x00\x00\x00"),
        (b"\x49\x7E\x01\x00\x04none", b"\x49\x7E\x02\x00\x00\x00\x00\x00"),
        (b"\x49\x7E\x01\x00\x02\xC3\x28", b"\x49\x7E\x02\x02\x00\x00\x00\x00"),
        (b"GET / HTTP/1.1\r\n\r\n", b"\x49\x7E\x02\x02\x00\x00\x00\x00"),
    ];
    for (request, answer) in table {
        assert_eq!(exchange(address, request).unwrap(), *answer, "{request:02x?}");
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (_program, address) = serve(folder.path(), &[]);
    let mut stream = connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in request(b"h.txt") {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_all(&mut stream).unwrap(), response(b"hello"));
}

#[test]
fn sizes_around_every_limit_arrive_whole() {
    let sizes = [0, 1, 8, 65535, 65536, 65537, 262_144, 262_145, 3_000_001];
    let files: Vec<_> = sizes.map(|size| (size.to_string(), random_bytes(1, size))).into();
    let listed: Vec<_> = files.iter().map(|(name, data)| (&**name, &**data)).collect();
    let folder = folder(&listed);
    let (_program, address) = serve(folder.path(), &[]);
    for (name, content) in &files {
        assert!(fetch(address, name) == response(content), "{name} bytes");
    }
}

#[test]
fn a_name_of_1024_bytes_is_looked_up() {
    let folder = folder(&[]);
    let folders = ["d"; 400].join("/");
    std::fs::create_dir_all(folder.path().join(&folders)).unwrap();
    let name = format!("{folders}/{}", "f".repeat(1024 - folders.len() - 1));
    std::fs::write(folder.path().join(&name), "far").unwrap();
    let (_program, address) = serve(folder.path(), &[]);
    assert_eq!(name.len(), 1024);
    assert_eq!(fetch(address, &name), response(b"far"));
}

/// R7: with surplus bytes unread, a plain close would reset the connection and destroy the end of
/// the response.
#[test]
fn surplus_bytes_do_not_cut_the_response() {
    let content = random_bytes(1, 1_000_000);
    let folder = folder(&[("big", &content), ("small", b"small")]);
    let (_program, address) = serve(folder.path(), &[]);
    let expected =
        [("big", response(&content)), ("small", response(b"small")), ("none", NOT_FOUND.to_vec())];
    for surplus in [1, 3000, 40_000] {
        for (name, expected) in &expected {
            let mut stream = connect(address).unwrap();
            let asked = [request(name.as_bytes()), vec![b'x'; surplus]].concat();
            stream.write_all(&asked).unwrap();
            let answer = read_all(&mut stream).expect("no reset");
            assert!(answer == *expected, "{name}, {surplus} surplus bytes: {}", answer.len());
        }
    }
}

/// R5: the server answers at the first wrong byte, and bytes after it don't destroy the answer.
#[test]
fn faults_are_answered_at_once() {
    let folder = folder(&[]);
    let (program, address) = serve(folder.path(), &[]);
    let faults: &[&[u8]] = &[
        b"\x48",
        b"\x49\x7F",
        b"\x49\x7E\x02",
        b"\x49\x7E\x01\x05",
        b"\x49\x7E\x01\x00\x00",
        b"\x49\x7E\x01\x04\x01",
        b"\x49\x7E\x01\x00\x09\xFF",
        b"\x49\x7E\x01\x00\x09abc\xC3\x28",
    ];
    for fault in faults {
        assert_eq!(exchange(address, fault).unwrap(), MALFORMED, "{fault:02x?}");
        let more = [*fault, &[b'x'; 30_000]].concat();
        assert_eq!(exchange(address, &more).unwrap(), MALFORMED, "{fault:02x?} and more");
        let line = program.logged("malformed");
        assert!(line.contains("status=2") && line.contains("(R"), "{line}");
    }
}

/// R6: a request that ends early gets no answer.
#[test]
fn a_request_that_breaks_off_gets_no_answer() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (program, address) = serve(folder.path(), &["-v"]);
    let whole = request(b"h.txt");
    for cut in 0..whole.len() {
        let mut stream = connect(address).unwrap();
        stream.write_all(&whole[..cut]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut stream).unwrap(), b"", "cut at {cut}");
        let line = program.logged("end=");
        let expected = if cut == 0 { "end=\"probe\"" } else { "end=\"peer gone\"" };
        assert!(line.contains(expected), "cut at {cut}: {line}");
        assert!(line.contains("DEBUG") == (cut == 0), "{line}");
    }
}

/// R10: the file shrinks while the server waits for a reader that has taken only the header.
#[test]
fn a_file_that_shrinks_ends_early() {
    let folder = folder(&[]);
    let file = File::create(folder.path().join("log")).unwrap();
    file.set_len(200_000_000).unwrap();
    let (program, address) = serve(folder.path(), &[]);
    let mut stream = ask(address, b"log").unwrap();
    let mut header = [0; 8];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header, *b"\x49\x7E\x02\x01\x0B\xEB\xC2\x00");
    file.set_len(1000).unwrap();
    let received = read_all(&mut stream).unwrap_or_default().len();
    assert!(received < 200_000_000);
    let line = program.logged("end=");
    assert!(line.contains("end=\"short file\"") && line.contains("R10"), "{line}");
}
