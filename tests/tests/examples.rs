//! The examples of the codec, run against each other and against raw bytes, and the example of the
//! client on smoltcp. `cargo test --workspace` builds them; before running this file alone, `cargo
//! build -p fetchlet-codec -p fetchlet-smoltcp --examples` does.

use std::net::SocketAddr;
use std::process::Output;

use fetchlet_test_kit::{
    ChildProcess, Close, LIMIT, MALFORMED, NOT_FOUND, ScriptedPeer, bare, built, exchange, request,
    within,
};

/// Starts `device_server` on a free port and returns the address that the example prints.
fn device_server() -> (ChildProcess, SocketAddr) {
    let mut command = bare(built("examples/device_server").unwrap());
    let (server, line) = ChildProcess::announced(command.arg("127.0.0.1:0")).unwrap();
    (server, line.trim().parse().unwrap())
}

/// Runs the example `client` to its end.
fn client(addr: SocketAddr, name: &'static str) -> Output {
    let mut command = bare(built("examples/client").unwrap());
    within(LIMIT, move || command.args([&addr.to_string(), name]).output()).unwrap()
}

#[test]
fn the_client_fetches_what_the_device_serves() {
    let (_server, addr) = device_server();
    for (name, file) in [("h.txt", "hello"), ("empty", ""), ("h.txt", "hello")] {
        let output = client(addr, name);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), file);
    }
}

#[test]
fn the_client_fails_where_the_device_has_no_such_file() {
    let (_server, addr) = device_server();
    for name in ["missing", "longer than any name of the device"] {
        let output = client(addr, name);
        assert!(!output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("NotFound"), "{output:?}");
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn the_client_fails_where_the_connection_ends_early() {
    let truncated = b"\x49\x7E\x02\x01\x00\x00\x00\x05hel".to_vec();
    let peer = ScriptedPeer::start([truncated], Close::Fin);
    let output = client(peer.addr(), "h.txt");
    assert!(!output.status.success(), "{output:?}");
    let expected = "ClosedInData { received: 3, expected: 5 }";
    assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{output:?}");
    assert_eq!(peer.request(), request(b"h.txt"));
}

#[test]
fn the_device_answers_by_the_rules() {
    let (_server, addr) = device_server();
    let hello = b"\x49\x7E\x02\x01\x00\x00\x00\x05hello";
    let more = [request(b"h.txt"), b"more than the request".to_vec()].concat();
    let cases: [(Vec<u8>, &[u8]); 5] = [
        (request(b"h.txt"), hello),
        (more, hello),
        (request(b"h"), NOT_FOUND),
        (request(&[b'n'; 1024]), NOT_FOUND),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), MALFORMED),
    ];
    for (bytes, expected) in cases {
        let shown = bytes.escape_ascii().to_string();
        let answer = within(LIMIT, move || exchange(addr, &bytes));
        assert_eq!(answer.unwrap(), expected, "{shown}");
    }
}

#[test]
fn the_client_on_smoltcp_fetches_a_file() {
    let mut command = bare(built("examples/fetch_on_smoltcp").unwrap());
    let output = within(LIMIT, move || command.output()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    // The CRC-32 of "123456789" ten thousand times, as zlib computes it.
    assert!(printed.ends_with("fetched 90000 bytes, CRC-32 3af5bae0\n"), "{printed}");
}
