use super::super::messages::{GOLDEN, IF_OTHER, IF_THIS};
use super::*;
use crate::wire::{connect, read_all, request};

const CONTENT: &[u8] = b"hello";

fn exchange(connection: &mut TcpStream, request: &[u8], answer: &[u8]) {
    connection.write_all(request).unwrap();
    let mut received = vec![0; answer.len()];
    connection.read_exact(&mut received).unwrap();
    assert_eq!(received, answer);
}

#[test]
fn an_honest_peer_answers_both_pairs_on_one_connection() {
    let peer = FetchPeer::honest(FileVersion::hashed(CONTENT));
    let mut connection = connect(peer.addr()).unwrap();
    for golden in GOLDEN {
        exchange(&mut connection, golden.request, golden.response);
    }
    connection.write_all(&request(b"h.txt")).unwrap();
    assert_eq!(read_all(connection).unwrap(), response(CONTENT));
    let asked = peer.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(peer.fetches().len(), 3);
    assert!(asked.iter().enumerate().all(|(at, it)| it.number == at && it.connection == 0));
}

#[test]
fn a_connection_ends_as_the_script_says() {
    for after in [After::Fin, After::Reset, After::Silent] {
        let peer = FetchPeer::start(move |_| Reply { bytes: CONTENT.to_vec(), after });
        let mut connection = connect(peer.addr()).unwrap();
        exchange(&mut connection, &RawFetch::all("h.txt").encode(), CONTENT);
        if after == After::Silent {
            connection.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        }
        let ended = connection.read(&mut [0; 1]).map_err(|error| error.kind());
        let expected = match after {
            After::Fin | After::Open => Ok(0),
            After::Reset => Err(io::ErrorKind::ConnectionReset),
            After::Silent => Err(io::ErrorKind::WouldBlock),
        };
        assert_eq!(ended, expected, "{after:?}");
    }
}

#[test]
#[should_panic(expected = "the script panicked")]
fn a_script_that_panics_fails_its_test() {
    let peer = FetchPeer::start(|_| panic!("the script's own words"));
    let mut connection = connect(peer.addr()).unwrap();
    connection.write_all(&RawFetch::all("h.txt").encode()).unwrap();
    assert_eq!(read_all(connection).unwrap(), b"");
}

#[test]
fn a_server_of_the_first_pair_finds_a_fetch_malformed() {
    let peer = FetchPeer::of_the_first_pair(CONTENT);
    let mut connection = connect(peer.addr()).unwrap();
    connection.write_all(&RawFetch::all("h.txt").encode()).unwrap();
    assert_eq!(read_all(connection).unwrap(), MALFORMED);
}

/// A request to which each lie can be told: the first of all, one that goes on, or one with `04`.
fn occasions(version: &FileVersion) -> [RawFetch; 4] {
    let all = RawFetch::all("h.txt");
    let going_on = RawFetch { flags: IF_THIS, offset: 3, tag: version.tag, ..all.clone() };
    let if_other = RawFetch { flags: IF_OTHER, ..all.clone() };
    [all.clone(), RawFetch { limit: 2, ..all }, going_on, if_other]
}

#[test]
fn each_lie_finds_an_occasion_and_differs_from_the_truth() {
    let version = FileVersion::hashed(CONTENT);
    for lie in Lie::ALL {
        let mut told = 0;
        for plain in occasions(&version) {
            for flags in [plain.flags, plain.flags | super::super::messages::DIGEST] {
                let request = RawFetch { flags, ..plain.clone() };
                if let Some(bytes) = lie.tell(&request, &version) {
                    told += 1;
                    assert_ne!(bytes, RawAnswer::honest(&request, &version).encode(), "{lie:?}");
                }
            }
        }
        assert!(told > 0, "{lie:?}");
    }
}

#[test]
fn a_liar_gives_something_to_go_on_from_and_then_lies() {
    let version = FileVersion::hashed(b"0123456789");
    let peer = FetchPeer::lying(version.clone(), Lie::HalfOfAnother);
    let all = RawFetch::all("x");
    let honest = RawAnswer::honest(&all, &version).encode();
    let mut connection = connect(peer.addr()).unwrap();
    connection.write_all(&all.encode()).unwrap();
    assert_eq!(read_all(connection).unwrap(), honest[..honest.len() - 5]);

    let rest = RawFetch { flags: IF_THIS, offset: 5, tag: version.tag, ..all };
    let mut connection = connect(peer.addr()).unwrap();
    exchange(&mut connection, &rest.encode(), &Lie::HalfOfAnother.tell(&rest, &version).unwrap());
}
