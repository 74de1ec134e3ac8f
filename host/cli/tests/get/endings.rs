//! The exit code for everything that a peer can do.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::{
    HELLO, NOT_FOUND, answer, answering, assert_ended, finish, get, on_disk, script, wait_for_close,
};

#[test]
fn a_name_without_an_address_ends_with_6() {
    let dir = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
    // No resolver is asked about a name of this form.
    command.args(["get", "a..b", "5000", "h.txt"]).current_dir(&dir);
    assert_ended(&finish(command), 6, "cannot resolve");
}

#[test]
fn a_refused_connection_ends_with_7() {
    let dir = TempDir::new().unwrap();
    // Bound and not listening: nobody else can take the port meanwhile.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
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
    let peer = script(|mut peer| {
        peer.write_all(b"\x00").unwrap();
        wait_for_close(peer);
    });
    assert_ended(&get(&dir, peer, &["h.txt", "--timeout", "1h"]), 8, "byte 0 is 0x00");
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
    let peer = script(|mut peer| {
        peer.write_all(&HELLO[..10]).unwrap();
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    });
    assert_ended(&get(&dir, peer, &["h.txt"]), 18, "");
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
        let peer = script(move |mut peer| {
            peer.write_all(&HELLO[..len]).unwrap();
            wait_for_close(peer);
        });
        assert_ended(&get(&dir, peer, &["h.txt", "--timeout", "200ms"]), 28, said);
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
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        answer(listener.accept().unwrap().0, &HELLO[..11]);
        answer(listener.accept().unwrap().0, HELLO);
    });
    let output = get(&dir, address, &["h.txt", "--retry", "1"]);
    assert_ended(&output, 0, "trying again");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}
