//! The exit code for each way in which a connection or an answer can fail.

use std::net::SocketAddr;

use fetchlet_test_kit::{Close, HELLO, NOT_FOUND, ScriptedPeer, fetchlet, on_disk};
use tempfile::TempDir;

use crate::harness::{answering, answering_in_turn, assert_ended, finish, get, silent_after};

#[test]
fn a_name_without_an_address_ends_with_6() {
    let dir = TempDir::new().unwrap();
    let mut command = fetchlet();
    // No resolver is asked about a name of this form.
    command.args(["get", "a..b", "5000", "h.txt"]).current_dir(&dir);
    assert_ended(&finish(command), 6, "cannot resolve");
}

#[test]
fn a_refused_connection_ends_with_7() {
    let dir = TempDir::new().unwrap();
    // A socket that is bound and does not listen keeps every other program off the port.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // The system's own choice may be a port that `get` refuses (R16).
    let mut ports = (20_000..=64_000).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let address = ports.find(|address| socket.bind(&(*address).into()).is_ok()).unwrap();
    assert_ended(&get(&dir, address, &["h.txt"]), 7, "refused");
}

#[test]
fn answers_of_other_protocols_end_with_8() {
    for (answer, said) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP"),
        (b"SSH-2.0-x\r\n", "SSH"),
        (b"\x49\x7F", "byte 1"),
        (b"\x49\x7E\x01", "byte 2"),
        (b"\x49\x7E\x02\x03", "byte 3"),
        (b"\x49\x7E\x02\x00\x00\x00\x00\x01", "byte 7"),
        (b"\x49\x7E\x02\x02\x00\x00\x00\x00", "R5"),
    ] {
        let dir = TempDir::new().unwrap();
        assert_ended(&get(&dir, answering(answer), &["h.txt"]), 8, said);
        assert_eq!(on_disk(&dir), []);
    }
}

#[test]
fn garbage_is_given_up_at_the_byte_that_shows_it_though_the_peer_stays() {
    let dir = TempDir::new().unwrap();
    assert_ended(
        &get(&dir, silent_after(b"\x00"), &["h.txt", "--timeout", "1h"]),
        8,
        "byte 0 is 0x00",
    );
}

#[test]
fn every_early_end_ends_with_18_and_leaves_nothing() {
    for len in 0..HELLO.len() {
        let dir = TempDir::new().unwrap();
        let output = get(&dir, answering(&HELLO[..len]), &["h.txt"]);
        let counts = if len < 8 {
            format!("after {len} of the header's 8 bytes")
        } else {
            format!("after {} of 5 bytes", len - 8)
        };
        assert_ended(&output, 18, &counts);
        assert_eq!(on_disk(&dir), []);
    }
}

#[test]
fn a_reset_in_the_data_ends_with_18() {
    let dir = TempDir::new().unwrap();
    let peer = ScriptedPeer::start([HELLO[..10].to_vec()], Close::Reset);
    assert_ended(&get(&dir, peer.addr(), &["h.txt"]), 18, "");
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn bytes_after_the_file_are_not_part_of_it() {
    let dir = TempDir::new().unwrap();
    let mut answer = HELLO.to_vec();
    answer.extend_from_slice(&[b'!'; 100_000]);
    assert_ended(&get(&dir, answering(&answer), &["h.txt"]), 0, "5 bytes");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_silent_server_ends_with_28_wherever_it_falls_silent() {
    for (len, said) in [(0, "before the answer"), (5, "before the answer"), (9, "1 of 5 bytes")] {
        let dir = TempDir::new().unwrap();
        let output = get(&dir, silent_after(&HELLO[..len]), &["h.txt", "--timeout", "200ms"]);
        assert_ended(&output, 28, said);
        assert_eq!(on_disk(&dir), []);
    }
}

#[test]
fn a_missing_file_ends_with_78_and_is_not_tried_again() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(NOT_FOUND), &["h.txt", "--retry", "3"]);
    assert_ended(&output, 78, "R8");
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn what_may_pass_is_tried_again() {
    let dir = TempDir::new().unwrap();
    let address = answering_in_turn([&HELLO[..11], HELLO]);
    let output = get(&dir, address, &["h.txt", "--retry", "1"]);
    assert_ended(&output, 0, "trying again");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}
