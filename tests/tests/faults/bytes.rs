//! Faults before every byte of an exchange of 300 bytes: a close, a half-close, a reset, and
//! silence. The client tells exactly how far the download was (R12), and leaves no file (R14).

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use fetchlet::{Client, ClientError, IfExists, Progress};
use fetchlet_codec::DownloadError;
use fetchlet_test_kit::{
    Direction, Fault, FaultProxy, Injection, LIMIT, RunningServer, fetchlet, on_disk, output,
    random_bytes, within,
};
use tempfile::TempDir;

use crate::{assert_ended, at_once};

/// A name of 27 bytes, so that request, header and file have 300 bytes together.
const NAME: &str = "twenty-seven-bytes-of-a.bin";
/// The length of the request in bytes: 5 of the fixed part and 27 of the name (R2).
const REQUEST: usize = 32;
/// The length of the response's header in bytes (R3).
const HEADER: usize = 8;
/// The length of the file in bytes.
const FILE: u32 = 260;
/// The length of the whole exchange in bytes.
const EXCHANGE: usize = 300;

/// The timeout in the cases that only a timeout ends: far longer than any other part of a test
/// takes.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// Connections at the same time: fewer than the server's limit per peer, and few enough that none
/// of them is late on a busy machine.
const AT_ONCE: usize = 100;

/// The faults after which nothing more arrives.
const ENDS: [Fault; 4] = [Fault::Cut, Fault::HalfClose, Fault::Reset, Fault::Stall];

/// Returns this fault at every byte of the exchange, counted over both directions.
fn every_byte(fault: Fault) -> Vec<Injection> {
    let injection = |at| match at {
        ..REQUEST => Injection { direction: Direction::ToServer, at, fault },
        _ => Injection { direction: Direction::ToClient, at: at - REQUEST, fault },
    };
    (0..EXCHANGE).map(injection).collect()
}

/// Returns how many bytes of the response pass the proxy before the fault.
fn came(injection: Injection) -> usize {
    match injection.direction {
        Direction::ToServer => 0,
        Direction::ToClient => injection.at,
    }
}

fn served() -> (TempDir, RunningServer) {
    let folder = tempfile::tempdir().unwrap();
    let content = random_bytes(1, usize::try_from(FILE).unwrap());
    assert_eq!(REQUEST + HEADER + content.len(), EXCHANGE);
    fs::write(folder.path().join(NAME), content).unwrap();
    let server = RunningServer::start(folder.path());
    (folder, server)
}

/// Downloads with the library to a new target, and to one that is to be replaced. The second must
/// stay as it was.
fn library_fails(server: SocketAddr, injection: Injection) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let if_exists = match injection.at % 2 {
        0 => IfExists::Fail,
        _ => {
            fs::write(&target, "old").unwrap();
            IfExists::Replace
        }
    };
    let before = on_disk(folder.path());
    let proxy = FaultProxy::start(server, injection);
    let client = Client::new().idle_timeout(TIMEOUT);
    let response = client.get(proxy.addr(), NAME);
    let result = response.and_then(|response| response.if_exists(if_exists).save(&target));
    exact(injection, result.expect_err("it was broken off"));
    assert_eq!(on_disk(folder.path()), before, "{injection:?}");
}

fn exact(injection: Injection, error: ClientError) {
    let came = came(injection);
    let data = u32::try_from(came.saturating_sub(HEADER)).unwrap();
    let in_data = (came >= HEADER).then_some(Progress { received: data, expected: FILE });
    match (injection.fault, error) {
        (Fault::Cut | Fault::HalfClose, ClientError::Protocol(error)) => {
            let expected = match in_data {
                None => DownloadError::ClosedInHeader { received: u8::try_from(came).unwrap() },
                Some(_) => DownloadError::ClosedInData { received: data, expected: FILE },
            };
            assert_eq!(error, expected, "{injection:?}");
        }
        (Fault::Reset, ClientError::Connection { progress, .. }) => {
            assert_eq!(progress, in_data, "{injection:?}");
        }
        (Fault::Stall, ClientError::TimedOut { progress, after }) => {
            assert_eq!(progress, in_data, "{injection:?}");
            assert!(after >= TIMEOUT, "{injection:?}: {after:?}");
        }
        (_, other) => panic!("{injection:?}: {other:?}"),
    }
}

#[test]
fn the_library_says_exactly_where_the_exchange_ended_and_leaves_nothing() {
    within(LIMIT, || {
        let (_folder, server) = served();
        for fault in ENDS {
            at_once(AT_ONCE, &every_byte(fault), |injection| {
                library_fails(server.addr(), *injection);
            });
        }
    });
}

fn program_fails(server: SocketAddr, injection: Injection) {
    let folder = tempfile::tempdir().unwrap();
    let proxy = FaultProxy::start(server, injection);
    let port = proxy.addr().port().to_string();
    let mut get = fetchlet();
    get.args(["get", "127.0.0.1", &port, NAME, "--timeout", "1500ms"]).current_dir(&folder);
    let came = came(injection);
    let (code, said) = match (injection.fault, came) {
        (Fault::Stall, ..HEADER) => (28, "before the answer".into()),
        (Fault::Reset, ..HEADER) => (18, "before the answer".into()),
        (_, ..HEADER) => (18, format!("after {came} of the header's 8 bytes")),
        (Fault::Stall, _) => (28, format!("after {} of 260 bytes", came - HEADER)),
        _ => (18, format!("after {} of 260 bytes", came - HEADER)),
    };
    assert_ended(&output(&mut get), code, &said, &format!("{injection:?}"));
    assert_eq!(on_disk(folder.path()), [], "{injection:?}");
}

#[test]
fn the_program_says_exactly_where_the_exchange_ended_and_leaves_nothing() {
    within(LIMIT, || {
        let (_folder, server) = served();
        for fault in [Fault::Cut, Fault::Reset, Fault::Stall] {
            at_once(AT_ONCE, &every_byte(fault), |injection| {
                program_fails(server.addr(), *injection);
            });
        }
    });
}

/// A client that has ended its sending side after the request, and peers that send byte by byte,
/// complete the exchange.
#[test]
fn what_is_only_slow_or_half_closed_arrives_whole() {
    within(LIMIT, || {
        let (served, server) = served();
        let content = fs::read(served.path().join(NAME)).unwrap();
        for (direction, at, fault) in [
            (Direction::ToServer, 0, Fault::Drip),
            (Direction::ToClient, 0, Fault::Drip),
            (Direction::ToServer, REQUEST, Fault::HalfClose),
            (Direction::ToClient, EXCHANGE - REQUEST, Fault::Cut),
        ] {
            let proxy = FaultProxy::start(server.addr(), Injection { direction, at, fault });
            let data = Client::new().get(proxy.addr(), NAME).unwrap().bytes(EXCHANGE).unwrap();
            assert_eq!(data, content, "{direction:?} {fault:?}");
        }
    });
}
