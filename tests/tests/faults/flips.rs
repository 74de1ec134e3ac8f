//! One bit that is another: every bit of a request, and of a response's header.
//!
//! TCP's checksum finds nearly all of these; what it misses reaches us. The protocol has no
//! checksum of its own: of a response it shows in all but the length and the data.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use fetchlet::server::{Config, RootOptions};
use fetchlet::{Client, ClientError};
use fetchlet_codec::DownloadError;
use fetchlet_test_kit::{
    Direction, Fault, FaultProxy, Injection, LIMIT, RunningServer, fetchlet, on_disk, within,
};
use tempfile::TempDir;

use crate::{assert_ended, at_once, output};

const NAME: &str = "name";
const LEN: u32 = 260;
/// Of [`content`], by another program.
const CHECKSUM: &str = "sha256:11dacafa00b6ebadda34ecabc9b6b53ddd8c8747c9622681a29fbbdce7004710";

fn served() -> (TempDir, RunningServer) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NAME), content()).unwrap();
    // A name that seems longer than it is is waited for.
    let mut config = Config::default();
    config.request_deadline = Duration::from_millis(500);
    let server = RunningServer::with(folder.path(), RootOptions::default(), config);
    (folder, server)
}

fn content() -> Vec<u8> {
    (0..LEN).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn every_bit(direction: Direction, bytes: std::ops::Range<usize>) -> Vec<Injection> {
    let bits = bytes.flat_map(|at| (0..8).map(move |bit| (at, bit)));
    bits.map(|(at, bit)| Injection { direction, at, fault: Fault::Flip(bit) }).collect()
}

fn download(server: SocketAddr, injection: Injection) -> Result<Vec<u8>, ClientError> {
    let proxy = FaultProxy::start(server, injection);
    Client::new().get(proxy.addr(), NAME)?.bytes(usize::MAX)
}

#[test]
fn a_flipped_bit_of_a_request_never_gets_a_file() {
    within(LIMIT, || {
        let (_folder, server) = served();
        at_once(32, &every_bit(Direction::ToServer, 0..5 + NAME.len()), |injection| {
            match (injection.at, download(server.addr(), *injection)) {
                // Magic and type (R5); a length that is too long is waited for in vain (R6).
                (0..3, Err(ClientError::Malformed)) => {}
                (3..5, Err(ClientError::Malformed | ClientError::NotFound)) => {}
                (
                    3..5,
                    Err(ClientError::Protocol(DownloadError::ClosedInHeader { received: 0 })),
                ) => {}
                // Another name, or none that is UTF-8.
                (5.., Err(ClientError::NotFound | ClientError::Malformed)) => {}
                (_, other) => panic!("{injection:?}: {other:?}"),
            }
        });
    });
}

/// But for a bit that makes the length smaller, after which the file is whole by R12 and R13: that
/// is left to `get --checksum`.
#[test]
fn a_flipped_bit_of_a_response_header_is_an_error_unless_it_makes_the_length_smaller() {
    within(LIMIT, || {
        let (_folder, server) = served();
        at_once(32, &every_bit(Direction::ToClient, 0..8), |injection| {
            let Fault::Flip(bit) = injection.fault else { unreachable!("only flips") };
            let result = download(server.addr(), *injection);
            if injection.at < 4 {
                let decode = matches!(result, Err(ClientError::Protocol(DownloadError::Decode(_))));
                assert!(decode, "{injection:?}: {result:?}");
                return;
            }
            let expected = LEN ^ (1 << (8 * (7 - injection.at) + usize::from(bit)));
            match result {
                Ok(data) => {
                    assert!(expected < LEN, "{injection:?}");
                    assert_eq!(data, &content()[..usize::try_from(expected).unwrap()]);
                }
                Err(ClientError::Protocol(error)) => {
                    assert_eq!(error, DownloadError::ClosedInData { received: LEN, expected });
                }
                Err(other) => panic!("{injection:?}: {other:?}"),
            }
        });
    });
}

/// What the protocol can't see: bits of the data, and those without which the length is smaller.
#[test]
fn a_checksum_finds_what_the_protocol_does_not_and_nothing_is_left() {
    within(LIMIT, || {
        let (_folder, server) = served();
        let get = |injection: Injection| {
            let target = tempfile::tempdir().unwrap();
            let proxy = FaultProxy::start(server.addr(), injection);
            let port = proxy.addr().port().to_string();
            let mut get = fetchlet();
            get.args(["get", "127.0.0.1", &port, NAME, "--checksum", CHECKSUM]);
            let ended = output(get.current_dir(&target));
            (ended, on_disk(target.path()))
        };
        let smaller = [(6, 0), (7, 2)].into_iter();
        let data = (0..LEN).step_by(13).map(|at| (8 + usize::try_from(at).unwrap(), 7));
        let faults: Vec<_> = smaller
            .chain(data)
            .map(|(at, bit)| Injection {
                direction: Direction::ToClient,
                at,
                fault: Fault::Flip(bit),
            })
            .collect();
        at_once(8, &faults, |injection| {
            let (ended, left) = get(*injection);
            assert_ended(&ended, 32, "", &format!("{injection:?}"));
            assert_eq!(left, [], "{injection:?}");
        });
        // The same without a flip, which would be in a byte that never comes.
        let (ended, left) =
            get(Injection { direction: Direction::ToClient, at: 1000, fault: Fault::Flip(0) });
        assert_ended(&ended, 0, "", "sound");
        assert_eq!(left, [(NAME.into(), content())]);
    });
}

/// So that nobody believes otherwise: without a checksum this can't be seen.
#[test]
fn a_flipped_bit_of_the_data_is_delivered() {
    within(LIMIT, || {
        let (_folder, server) = served();
        let injection =
            Injection { direction: Direction::ToClient, at: 8 + 100, fault: Fault::Flip(3) };
        let mut expected = content();
        expected[100] ^= 1 << 3;
        assert_eq!(download(server.addr(), injection).unwrap(), expected);
    });
}
