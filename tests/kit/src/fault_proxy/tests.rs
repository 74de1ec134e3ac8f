//! The proxy between two raw peers: what each of them sees of each fault.

use std::sync::mpsc;

use super::*;
use crate::{LIMIT, within};

/// How long a client listens to silence.
const SILENCE: Duration = Duration::from_millis(300);

/// What a peer read, byte for byte, and how that ended.
type Seen = (Vec<u8>, Result<(), io::ErrorKind>);

fn read(mut peer: &TcpStream) -> Seen {
    let mut bytes = Vec::new();
    let mut buffer = [0; 64];
    loop {
        match peer.read(&mut buffer) {
            Ok(0) => return (bytes, Ok(())),
            Ok(len) => bytes.extend_from_slice(&buffer[..len]),
            Err(error) => return (bytes, Err(error.kind())),
        }
    }
}

/// A client says `hello` through the proxy. Once `expected` bytes of it have come the server
/// answers `WORLD`, unless the injection is to keep it from that. Both then read to the end.
fn greet(injection: Injection, expected: usize) -> [Seen; 2] {
    within(LIMIT, move || {
        let listener = listener();
        let proxy = FaultProxy::start(listener.local_addr().unwrap(), injection);
        let (done, client_done) = mpsc::channel::<()>();
        let server = thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut request = vec![0; expected];
            peer.read_exact(&mut request).unwrap();
            if expected == 5 || injection.fault == Fault::HalfClose {
                // A reset may be here already, and the bytes then have nowhere to go.
                peer.write_all(b"WORLD").ok();
                peer.shutdown(Shutdown::Write).ok();
                client_done.recv().expect_err("nothing is ever sent");
            }
            let (rest, end) = read(&peer);
            ([request, rest].concat(), end)
        });
        let mut client = TcpStream::connect(proxy.addr()).unwrap();
        client
            .set_read_timeout(Some(if injection.fault == Fault::Stall { SILENCE } else { LIMIT }))
            .unwrap();
        client.write_all(b"hello").unwrap();
        let seen = read(&client);
        drop(client);
        drop(done);
        [seen, server.join().unwrap()]
    })
}

fn injection(direction: Direction, at: usize, fault: Fault) -> Injection {
    Injection { direction, at, fault }
}

fn whole(bytes: &[u8]) -> Seen {
    (bytes.into(), Ok(()))
}

#[test]
fn all_passes_before_the_byte_that_is_struck() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        for fault in [Fault::Cut, Fault::Reset, Fault::Stall, Fault::Flip(0), Fault::Drip] {
            let seen = greet(injection(direction, 5, fault), 5);
            assert_eq!(seen, [whole(b"WORLD"), whole(b"hello")], "{direction:?} {fault:?}");
        }
    }
}

#[test]
fn a_cut_ends_both_directions_in_order() {
    for at in 0..5 {
        let seen = greet(injection(Direction::ToServer, at, Fault::Cut), at);
        assert_eq!(seen, [whole(b""), whole(&b"hello"[..at])]);
        let seen = greet(injection(Direction::ToClient, at, Fault::Cut), 5);
        assert_eq!(seen, [whole(&b"WORLD"[..at]), whole(b"hello")]);
    }
}

#[test]
fn a_half_close_ends_one_direction_and_the_other_goes_on() {
    for at in 0..5 {
        let seen = greet(injection(Direction::ToServer, at, Fault::HalfClose), at);
        assert_eq!(seen, [whole(b"WORLD"), whole(&b"hello"[..at])]);
        let seen = greet(injection(Direction::ToClient, at, Fault::HalfClose), 5);
        assert_eq!(seen, [whole(&b"WORLD"[..at]), whole(b"hello")]);
    }
}

#[test]
fn a_reset_is_seen_by_both_after_what_had_passed() {
    let reset = Err(io::ErrorKind::ConnectionReset);
    for at in 0..5 {
        let [client, server] = greet(injection(Direction::ToServer, at, Fault::Reset), at);
        assert_eq!(client, (b"".into(), reset));
        assert_eq!(server.0, b"hello"[..at]);
        let [client, server] = greet(injection(Direction::ToClient, at, Fault::Reset), 5);
        assert_eq!(client, (b"WORLD"[..at].into(), reset));
        assert_eq!(server, (b"hello".into(), reset));
    }
}

#[test]
fn a_stall_is_silence_though_the_server_has_ended() {
    let silence = Err(io::ErrorKind::WouldBlock);
    for at in [0, 3] {
        let [client, _] = greet(injection(Direction::ToServer, at, Fault::Stall), at);
        assert_eq!(client, (b"".into(), silence));
        let [client, _] = greet(injection(Direction::ToClient, at, Fault::Stall), 5);
        assert_eq!(client, (b"WORLD"[..at].into(), silence));
    }
}

#[test]
fn a_flip_changes_one_bit() {
    let seen = greet(injection(Direction::ToServer, 0, Fault::Flip(0)), 5);
    assert_eq!(seen, [whole(b"WORLD"), whole(b"iello")]);
    let seen = greet(injection(Direction::ToClient, 4, Fault::Flip(5)), 5);
    assert_eq!(seen, [whole(b"WORLd"), whole(b"hello")]);
}

#[test]
fn what_drips_arrives_whole() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let seen = greet(injection(direction, 0, Fault::Drip), 5);
        assert_eq!(seen, [whole(b"WORLD"), whole(b"hello")]);
    }
}
