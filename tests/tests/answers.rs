//! What the library's server sends on a connection for given bytes: requests in pieces, faults,
//! surplus bytes, early ends, deadlines.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use fetchlet::server::{Config, RootOptions};
use fetchlet_test_kit::{
    HELLO, LIMIT, MALFORMED, RunningServer, cuttings, exchange, random_bytes, request, within,
};

fn served(config: Config, body: impl FnOnce(&RunningServer) + Send + 'static) {
    within(LIMIT, move || {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("h.txt"), "hello").unwrap();
        fs::write(root.path().join("large"), random_bytes(1, 600_000)).unwrap();
        let server = RunningServer::with(root.path(), RootOptions::default(), config);
        body(&server);
        assert_eq!(exchange(server.addr(), &request(b"h.txt")).unwrap(), HELLO, "still serving");
    });
}

fn connect(server: &RunningServer) -> TcpStream {
    let connection = TcpStream::connect(server.addr()).unwrap();
    connection.set_nodelay(true).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    connection
}

#[test]
fn a_request_is_answered_however_it_is_cut() {
    served(Config::default(), |server| {
        for (cutting, pieces) in cuttings(&request(b"h.txt")) {
            let mut connection = connect(server);
            for piece in pieces {
                connection.write_all(piece).unwrap();
            }
            let mut answer = Vec::new();
            connection.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, HELLO, "{cutting}");
        }
    });
}

/// R5: the server sends the answer to the fault and nothing else, though the client's sending side
/// stays open.
#[test]
fn a_fault_is_answered_as_soon_as_it_shows() {
    served(Config::default(), |server| {
        for bytes in [
            &b"G"[..],
            b"\x49\x7F",
            b"\x49\x7E\x02",
            b"\x49\x7E\x01\x05",
            b"\x49\x7E\x01\x00\x00",
            b"\x49\x7E\x01\x04\x01",
            b"\x49\x7E\x01\x04\x00\xFF",
        ] {
            assert_eq!(exchange(server.addr(), bytes).unwrap(), MALFORMED, "{bytes:02x?}");
        }
    });
}

/// R7: without a drain, unread bytes make the close a reset, which destroys the end of the answer.
#[test]
fn bytes_after_a_request_do_not_cost_the_end_of_the_answer() {
    served(Config::default(), |server| {
        for more in [1, 100, 5000] {
            let bytes = [request(b"large"), vec![0x49; more]].concat();
            let answer = exchange(server.addr(), &bytes).unwrap();
            assert_eq!(answer.len(), 8 + 600_000, "with {more} bytes more");
            assert!(answer[8..] == random_bytes(1, 600_000));
            let bytes = [&b"\x00"[..], &vec![0; more]].concat();
            assert_eq!(exchange(server.addr(), &bytes).unwrap(), MALFORMED);
        }
    });
}

#[test]
fn a_client_that_has_no_more_to_send_is_still_answered() {
    served(Config::default(), |server| {
        let mut connection = connect(server);
        connection.write_all(&request(b"h.txt")).unwrap();
        connection.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, HELLO);
    });
}

/// R6: tried for every length of a part of a request.
#[test]
fn a_request_that_breaks_off_gets_no_answer() {
    served(Config::default(), |server| {
        let whole = request(b"h.txt");
        for len in 0..whole.len() {
            let mut connection = connect(server);
            connection.write_all(&whole[..len]).unwrap();
            connection.shutdown(Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            connection.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, b"", "after {len} bytes");
        }
    });
}

/// R6, R15: the deadline holds for the whole request; a byte now and then does not extend it.
#[test]
fn a_request_that_is_never_finished_ends_at_its_deadline_without_an_answer() {
    let mut config = Config::default();
    config.request_deadline = Duration::from_millis(500);
    served(config, |server| {
        let unfinished = [&b""[..], b"\x49", b"\x49\x7E\x01\x00\x05h.tx"].map(|bytes| {
            let mut connection = connect(server);
            connection.write_all(bytes).unwrap();
            (bytes, connection)
        });
        for (bytes, mut connection) in unfinished {
            let mut answer = Vec::new();
            connection.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, b"", "after {bytes:02x?}");
        }
    });
}

#[test]
fn clients_that_come_and_go_do_not_end_the_service() {
    served(Config::default(), |server| {
        for round in 0..50 {
            drop(connect(server));
            let mut connection = connect(server);
            connection.write_all(&request(b"large")).unwrap();
            connection.read_exact(&mut vec![0; 1 + round * 100]).unwrap();
            // Unread bytes make the close a reset.
            drop(connection);
        }
    });
}

#[test]
fn a_stopped_server_accepts_no_more() {
    within(LIMIT, || {
        let root = tempfile::tempdir().unwrap();
        let server = RunningServer::start(root.path());
        let addr = server.addr();
        drop(server);
        let refused = TcpStream::connect(addr).map(drop);
        assert_eq!(refused.map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionRefused));
    });
}
