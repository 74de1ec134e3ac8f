//! Addresses on loopback that accept, that refuse, and that leave every attempt unanswered.

use std::net::TcpListener;

use super::super::transient::may_pass;
use super::*;

/// More than any of these takes, and less than the deadlines that are given.
const SOON: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(30);

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address whose queue of connections is full: the system leaves every further one unanswered.
fn black_hole() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let (listener, address) = listener();
    rustix::net::listen(&listener, 0).unwrap();
    let mut queued = Vec::new();
    while let Ok(connection) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        queued.push(connection);
        assert!(queued.len() < 10, "a queue of 0 has room for more than 10");
    }
    (listener, queued, address)
}

/// An address that refuses: bound, so that nobody else gets it, and not listening.
fn refusing() -> (rustix::fd::OwnedFd, SocketAddr) {
    let socket =
        socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = rustix::net::getsockname(&socket).unwrap();
    (socket, address.try_into().unwrap())
}

fn within(timeout: Duration) -> Instant {
    Instant::now() + timeout
}

#[test]
fn addresses_that_do_not_answer_cost_no_timeout() {
    let started = Instant::now();
    let holes = [black_hole(), black_hole()];
    let (_listener, good) = listener();
    let addresses = vec![holes[0].2, holes[1].2, good];
    let connection = connect_first(addresses, within(LONG)).unwrap();
    assert_eq!(connection.peer_addr().unwrap(), good);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn an_address_that_fails_is_followed_by_the_next_at_once() {
    let (_socket, refused) = refusing();
    let (_listener, good) = listener();
    // With the delay after each of them this would take 25 s.
    let mut addresses = vec![refused; 100];
    addresses.push(good);
    let started = Instant::now();
    assert_eq!(connect_first(addresses, within(LONG)).unwrap().peer_addr().unwrap(), good);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn the_deadline_is_one_for_all_addresses() {
    let (_listener, _queued, hole) = black_hole();
    let (_socket, refused) = refusing();
    let started = Instant::now();
    // One after the other these would take 10 s.
    let addresses = [&[refused][..], &[hole; 20]].concat();
    let errors = connect_first(addresses, within(2 * ATTEMPT_DELAY)).unwrap_err();
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    let kinds: Vec<_> = errors.iter().map(|(address, error)| (*address, error.kind())).collect();
    assert_eq!(kinds[0], (refused, ErrorKind::ConnectionRefused));
    assert!((2..=3).contains(&kinds[1..].len()), "{kinds:?}");
    assert!(kinds[1..].iter().all(|it| *it == (hole, ErrorKind::TimedOut)), "{kinds:?}");
}

#[test]
fn a_connection_waits_for_its_data() {
    let (listener, good) = listener();
    let mut connection = connect_first(vec![good], within(LONG)).unwrap();
    let timeout = Duration::from_millis(20);
    connection.set_read_timeout(Some(timeout)).unwrap();
    let _peer = listener.accept().unwrap();
    let started = Instant::now();
    io::Read::read(&mut connection, &mut [0]).unwrap_err();
    assert!(started.elapsed() >= timeout, "the read did not wait");
}

#[test]
fn a_link_local_address_without_its_interface_says_what_to_add() {
    let address: SocketAddr = "[fe80::1]:5000".parse().unwrap();
    let [(_, error)] = &connect_first(vec![address], within(LONG)).unwrap_err()[..] else {
        panic!("one address, one error")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().ends_with("as in fe80::1%eth0"), "{error}");
    assert!(!may_pass(error), "no second try changes that");
}

#[test]
fn families_take_turns() {
    let four = |last| SocketAddr::from(([192, 0, 2, last], 5000));
    let six = |last| SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, last], 5000));
    let given = vec![six(1), six(2), six(3), four(1), six(4), four(2)];
    let turns = vec![six(1), four(1), six(2), four(2), six(3), six(4)];
    assert_eq!(interleaved(given), turns);
    assert_eq!(interleaved(vec![four(1), four(2), six(1)]), [four(1), six(1), four(2)]);
    assert_eq!(interleaved(vec![]), []);
}
