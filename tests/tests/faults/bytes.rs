//! Faults before every byte of an exchange of 300 bytes: a close, a half-close, a reset, and
//! silence. The client tells exactly how far the download was (R12), and leaves no file (R14).

use std::fs;
use std::net::SocketAddr;
use std::process::Output;
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

/// The timeouts of the cases that only a timeout ends, one after the other: on a busy machine the
/// first may be over before the proxy has passed on what comes before the fault. The last is
/// shorter than the time after which the proxy itself ends a connection.
const TIMEOUTS: [Duration; 3] =
    [Duration::from_millis(1500), Duration::from_secs(6), Duration::from_secs(24)];
/// The timeout of the cases that a fault ends: as long as a test may take.
const NEVER: Duration = LIMIT;
/// Connections at the same time: fewer than the server's limit per peer.
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

/// Calls `attempt` with a timeout that is not over before the fault. For a stall it is called with
/// each of [`TIMEOUTS`] until it returns true: all that comes before the fault had come.
fn with_timeout(injection: Injection, attempt: impl Fn(Duration) -> bool) {
    let timeouts = match injection.fault {
        Fault::Stall => &TIMEOUTS[..],
        _ => &[NEVER],
    };
    let whole = timeouts.iter().any(|timeout| attempt(*timeout));
    assert!(whole, "{injection:?}: what comes before the fault has not come");
}

/// Returns how many bytes of the file come before the fault; `None` where the header is not whole.
fn data_before(injection: Injection) -> Option<u32> {
    came(injection).checked_sub(HEADER).map(|data| u32::try_from(data).unwrap())
}

/// Downloads with the library to a new target, and to one that is to be replaced. The second must
/// stay as it was. Returns false if the timeout was over before the fault.
fn library_fails(server: SocketAddr, injection: Injection, timeout: Duration) -> bool {
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
    let client = Client::new().idle_timeout(timeout);
    let response = client.get(proxy.addr(), NAME);
    let result = response.and_then(|response| response.if_exists(if_exists).save(&target));
    assert_eq!(on_disk(folder.path()), before, "{injection:?}");
    let error = result.expect_err("it was broken off");
    let received = |progress: &Option<Progress>| progress.map(|it| it.received);
    if let ClientError::TimedOut { progress, .. } = &error
        && received(progress) < data_before(injection)
    {
        return false;
    }
    exact(injection, error, timeout);
    true
}

fn exact(injection: Injection, error: ClientError, timeout: Duration) {
    let came = came(injection);
    let in_data = data_before(injection).map(|received| Progress { received, expected: FILE });
    match (injection.fault, error) {
        (Fault::Cut | Fault::HalfClose, ClientError::Protocol(error)) => {
            let expected = match in_data {
                None => DownloadError::ClosedInHeader { received: u8::try_from(came).unwrap() },
                Some(Progress { received, expected }) => {
                    DownloadError::ClosedInData { received, expected }
                }
            };
            assert_eq!(error, expected, "{injection:?}");
        }
        (Fault::Reset, ClientError::Connection { progress, .. }) => {
            assert_eq!(progress, in_data, "{injection:?}");
        }
        (Fault::Stall, ClientError::TimedOut { progress, after }) => {
            assert_eq!(progress, in_data, "{injection:?}");
            assert!(after >= timeout, "{injection:?}: {after:?}");
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
                with_timeout(*injection, |it| library_fails(server.addr(), *injection, it));
            });
        }
    });
}

/// Returns how many bytes of the file had come, as the program says; `None` before the header.
fn told(ended: &Output) -> Option<u32> {
    let said = String::from_utf8_lossy(&ended.stderr);
    let (_, after) = said.split_once(" after ")?;
    after.split_once(" of 260 bytes")?.0.parse().ok()
}

/// Returns false if the timeout was over before the fault.
fn program_fails(server: SocketAddr, injection: Injection, timeout: Duration) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let proxy = FaultProxy::start(server, injection);
    let port = proxy.addr().port().to_string();
    let mut get = fetchlet();
    let timeout = format!("{}ms", timeout.as_millis());
    get.args(["get", "127.0.0.1", &port, NAME, "--timeout", &timeout]).current_dir(&folder);
    let came = came(injection);
    let (code, said) = match (injection.fault, came) {
        (Fault::Stall, ..HEADER) => (28, "before the answer".into()),
        (Fault::Reset, ..HEADER) => (18, "before the answer".into()),
        (_, ..HEADER) => (18, format!("after {came} of the header's 8 bytes")),
        (Fault::Stall, _) => (28, format!("after {} of 260 bytes", came - HEADER)),
        _ => (18, format!("after {} of 260 bytes", came - HEADER)),
    };
    let ended = output(&mut get);
    assert_eq!(on_disk(folder.path()), [], "{injection:?}");
    if ended.status.code() == Some(28) && told(&ended) < data_before(injection) {
        return false;
    }
    assert_ended(&ended, code, &said, &format!("{injection:?}"));
    true
}

#[test]
fn the_program_says_exactly_where_the_exchange_ended_and_leaves_nothing() {
    within(LIMIT, || {
        let (_folder, server) = served();
        for fault in [Fault::Cut, Fault::Reset, Fault::Stall] {
            at_once(AT_ONCE, &every_byte(fault), |injection| {
                with_timeout(*injection, |it| program_fails(server.addr(), *injection, it));
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
