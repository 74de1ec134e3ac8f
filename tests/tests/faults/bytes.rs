//! Cut, half-closed, reset and silent before every byte of an exchange of 300 bytes: the client
//! says exactly how far it was (R12), and leaves nothing behind (R14).

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use fetchlet::{Client, ClientError, IfExists, Progress};
use fetchlet_codec::DownloadError;
use fetchlet_test_kit::{
    Direction, Fault, FaultProxy, Injection, LIMIT, RunningServer, fetchlet, on_disk, random_bytes,
    within,
};
use tempfile::TempDir;

use crate::{assert_ended, at_once, output};

const NAME: &str = "twenty-seven-bytes-of-a.bin";
/// R2: the fixed part and the name.
const REQUEST: usize = 32;
/// R3: the header.
const HEADER: usize = 8;
const FILE: u32 = 260;
/// The whole exchange.
const EXCHANGE: usize = 300;

/// What shows only by waiting is waited for so long; far more than anything else here takes.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// Below the server's cap per peer, and few enough that none of them is late.
const AT_ONCE: usize = 100;

const ENDS: [Fault; 4] = [Fault::Cut, Fault::HalfClose, Fault::Reset, Fault::Stall];

/// The exchange's bytes, counted over both directions.
fn every_byte(fault: Fault) -> Vec<Injection> {
    let injection = |at| match at {
        ..REQUEST => Injection { direction: Direction::ToServer, at, fault },
        _ => Injection { direction: Direction::ToClient, at: at - REQUEST, fault },
    };
    (0..EXCHANGE).map(injection).collect()
}

/// How much of the response has come through.
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

/// A target that is new, and one that is to be replaced: the second stays as it was.
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

/// A client that has ended its sending side after the whole request, and peers that trickle, lose
/// nothing.
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
