//! One inverted bit: every bit of a request, and every bit of a response's header.
//!
//! TCP's checksum finds nearly all such errors, and the rest reach the program. The protocol has no
//! checksum of its own; in a response, an inverted bit can stay unnoticed only in the length and in
//! the data.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use fetchlet::server::{Config, RootOptions};
use fetchlet::{Client, ClientError};
use fetchlet_codec::DownloadError;
use fetchlet_test_kit::{
    Direction, Fault, FaultProxy, Injection, LIMIT, RunningServer, fetchlet, on_disk, output,
    within,
};
use tempfile::TempDir;

use crate::{assert_ended, at_once};

/// The name of the served file.
const NAME: &str = "name";
/// The length of the served file in bytes: two bytes of the header are not 0.
const LEN: u32 = 260;
/// The SHA-256 of [`content`], computed by another program.
const CHECKSUM: &str = "sha256:11dacafa00b6ebadda34ecabc9b6b53ddd8c8747c9622681a29fbbdce7004710";

fn served() -> (TempDir, RunningServer) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NAME), content()).unwrap();
    // The server waits for the rest of a name whose length was increased, until this deadline.
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
                // Magic and type are refused (R5); a name whose length was increased never arrives
                // (R6).
                (0..3, Err(ClientError::Malformed)) => {}
                (3..5, Err(ClientError::Malformed | ClientError::NotFound)) => {}
                (
                    3..5,
                    Err(ClientError::Protocol(DownloadError::ClosedInHeader { received: 0 })),
                ) => {}
                // The name is another one, or is no UTF-8.
                (5.., Err(ClientError::NotFound | ClientError::Malformed)) => {}
                (_, other) => panic!("{injection:?}: {other:?}"),
            }
        });
    });
}

/// A bit that decreases the length gives a file that is whole by R12 and R13. Only `get --checksum`
/// finds it.
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

/// The errors that the protocol can't find: in the data, and in the bits of the length that
/// decrease it.
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
        // The same download without an inverted bit: the response has no byte 1000.
        let (ended, left) =
            get(Injection { direction: Direction::ToClient, at: 1000, fault: Fault::Flip(0) });
        assert_ended(&ended, 0, "", "sound");
        assert_eq!(left, [(NAME.into(), content())]);
    });
}

/// This states a limit of the protocol: without a checksum the error can't be found.
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
