//! Cut, half-closed, reset and silent before every byte of an exchange of 300 bytes: the client says
//! exactly how far it was (R12), and leaves nothing behind (R14).

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use fetchlet::{Client, ClientError, IfExists, Progress};
use fetchlet_codec::DownloadError;
use fetchlet_test_kit::{
    Chaos, Fault, LIMIT, Lane, Mishap, Noise, RunningServer, fetchlet, within,
};
use tempfile::TempDir;

use crate::{assert_ended, at_once, on_disk, output};

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

const ENDS: [Mishap; 4] = [Mishap::Cut, Mishap::HalfClose, Mishap::Reset, Mishap::Stall];

/// The exchange's bytes, counted over both directions.
fn every_byte(mishap: Mishap) -> Vec<Fault> {
    let fault = |at| match at {
        ..REQUEST => Fault { lane: Lane::ToServer, at, mishap },
        _ => Fault { lane: Lane::ToClient, at: at - REQUEST, mishap },
    };
    (0..EXCHANGE).map(fault).collect()
}

/// How much of the response has come through.
fn came(fault: Fault) -> usize {
    match fault.lane {
        Lane::ToServer => 0,
        Lane::ToClient => fault.at,
    }
}

fn served() -> (TempDir, RunningServer) {
    let folder = tempfile::tempdir().unwrap();
    let content = Noise::new(1).bytes(usize::try_from(FILE).unwrap());
    assert_eq!(REQUEST + HEADER + content.len(), EXCHANGE);
    fs::write(folder.path().join(NAME), content).unwrap();
    let server = RunningServer::start(folder.path());
    (folder, server)
}

/// A target that is new, and one that is to be replaced: the second stays as it was.
fn library_fails(server: SocketAddr, fault: Fault) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let if_exists = match fault.at % 2 {
        0 => IfExists::Fail,
        _ => {
            fs::write(&target, "old").unwrap();
            IfExists::Replace
        }
    };
    let before = on_disk(folder.path());
    let chaos = Chaos::start(server, fault);
    let client = Client::new().idle_timeout(TIMEOUT);
    let response = client.get(chaos.addr(), NAME);
    let result = response.and_then(|response| response.if_exists(if_exists).save(&target));
    exact(fault, result.expect_err("it was broken off"));
    assert_eq!(on_disk(folder.path()), before, "{fault:?}");
}

fn exact(fault: Fault, error: ClientError) {
    let came = came(fault);
    let data = u32::try_from(came.saturating_sub(HEADER)).unwrap();
    let in_data = (came >= HEADER).then_some(Progress { received: data, expected: FILE });
    match (fault.mishap, error) {
        (Mishap::Cut | Mishap::HalfClose, ClientError::Protocol(error)) => {
            let expected = match in_data {
                None => DownloadError::ClosedInHeader { received: u8::try_from(came).unwrap() },
                Some(_) => DownloadError::ClosedInData { received: data, expected: FILE },
            };
            assert_eq!(error, expected, "{fault:?}");
        }
        (Mishap::Reset, ClientError::Connection { progress, .. }) => {
            assert_eq!(progress, in_data, "{fault:?}");
        }
        (Mishap::Stall, ClientError::TimedOut { progress, after }) => {
            assert_eq!(progress, in_data, "{fault:?}");
            assert!(after >= TIMEOUT, "{fault:?}: {after:?}");
        }
        (_, other) => panic!("{fault:?}: {other:?}"),
    }
}

#[test]
fn the_library_says_exactly_where_the_exchange_ended_and_leaves_nothing() {
    within(LIMIT, || {
        let (_folder, server) = served();
        for mishap in ENDS {
            at_once(AT_ONCE, &every_byte(mishap), |fault| library_fails(server.addr(), *fault));
        }
    });
}

fn program_fails(server: SocketAddr, fault: Fault) {
    let folder = tempfile::tempdir().unwrap();
    let chaos = Chaos::start(server, fault);
    let port = chaos.addr().port().to_string();
    let mut get = fetchlet();
    get.args(["get", "127.0.0.1", &port, NAME, "--timeout", "1500ms"]).current_dir(&folder);
    let came = came(fault);
    let (code, said) = match (fault.mishap, came) {
        (Mishap::Stall, ..HEADER) => (28, "before the answer".into()),
        (Mishap::Reset, ..HEADER) => (18, "before the answer".into()),
        (_, ..HEADER) => (18, format!("after {came} of the header's 8 bytes")),
        (Mishap::Stall, _) => (28, format!("after {} of 260 bytes", came - HEADER)),
        _ => (18, format!("after {} of 260 bytes", came - HEADER)),
    };
    assert_ended(&output(&mut get), code, &said, &format!("{fault:?}"));
    assert_eq!(on_disk(folder.path()), [], "{fault:?}");
}

#[test]
fn the_program_says_exactly_where_the_exchange_ended_and_leaves_nothing() {
    within(LIMIT, || {
        let (_folder, server) = served();
        for mishap in [Mishap::Cut, Mishap::Reset, Mishap::Stall] {
            at_once(AT_ONCE, &every_byte(mishap), |fault| program_fails(server.addr(), *fault));
        }
    });
}

/// A client that has ended its sending side after the whole request, and peers that trickle, lose nothing.
#[test]
fn what_is_only_slow_or_half_closed_arrives_whole() {
    within(LIMIT, || {
        let (served, server) = served();
        let content = fs::read(served.path().join(NAME)).unwrap();
        for (lane, at, mishap) in [
            (Lane::ToServer, 0, Mishap::Drip),
            (Lane::ToClient, 0, Mishap::Drip),
            (Lane::ToServer, REQUEST, Mishap::HalfClose),
            (Lane::ToClient, EXCHANGE - REQUEST, Mishap::Cut),
        ] {
            let chaos = Chaos::start(server.addr(), Fault { lane, at, mishap });
            let data = Client::new().get(chaos.addr(), NAME).unwrap().bytes(EXCHANGE).unwrap();
            assert_eq!(data, content, "{lane:?} {mishap:?}");
        }
    });
}
