//! Servers and addresses that a client refuses, and a transfer that stays ended.

use std::task::Poll;

use fetchlet_codec::Filename;
use fetchlet_segment::segment;
use fetchlet_smoltcp::{Client, Config, ConfigError, Storage, Transfer, TransferError};
use smoltcp::iface::SocketStorage;
use smoltcp::socket::tcp::{ConnectError, Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};

use crate::fixture::{CheckedSink, config};

/// The timeout of the client, in virtual time.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Makes a client, starts a fetch from each of these servers, and returns which fetches were
/// started.
fn fetches(config: &Config, servers: &[[u8; 4]]) -> Result<Vec<bool>, ConfigError> {
    let (near, _far) = segment(1500, Default::default(), Default::default());
    let (mut receive, mut transmit) = ([0; 512], [0; 64]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let mut client: Client<'_, _, 64> = Client::new(near, config, storage, Instant::ZERO)?;
    let mut fetch = |server: &[u8; 4]| {
        let [a, b, c, d] = *server;
        let fetched = client.fetch(Filename::new("f").unwrap(), Ipv4Address::new(a, b, c, d), 5000);
        assert!(matches!(fetched, Ok(()) | Err(ConnectError::Unaddressable)));
        // A fetch that was refused leaves no transfer.
        assert_eq!(client.transfer().is_some(), fetched.is_ok());
        fetched.is_ok()
    };
    Ok(servers.iter().map(&mut fetch).collect())
}

#[test]
fn only_another_host_that_can_be_reached_is_asked() {
    let near = [192, 168, 69, 1];
    let never = [[0; 4], [255; 4], [224, 0, 0, 1], [192, 168, 69, 255], [192, 168, 69, 2]];
    let far = [10, 1, 1, 1];
    let without = config(TIMEOUT);
    assert_eq!(fetches(&without, &[near, far]), Ok(vec![true, false]));
    assert_eq!(fetches(&without, &never), Ok(vec![false; 5]));
    let gateway = Some(Ipv4Address::new(192, 168, 69, 1));
    let with = Config { gateway, ..without };
    assert_eq!(fetches(&with, &[near, far]), Ok(vec![true, true]));
    assert_eq!(fetches(&with, &never), Ok(vec![false; 5]));
}

#[test]
fn addresses_that_are_no_hosts_make_no_client() {
    let good = config(TIMEOUT);
    let address = |a, b, c, d| Ipv4Address::new(a, b, c, d);
    for (wrong, error) in [
        (
            Config { mac_address: EthernetAddress([1, 0, 0, 0, 0, 2]), ..good.clone() },
            ConfigError::MacAddress,
        ),
        (
            Config { address: Ipv4Cidr::new(address(224, 0, 0, 1), 24), ..good.clone() },
            ConfigError::Address,
        ),
        (
            Config { gateway: Some(address(255, 255, 255, 255)), ..good.clone() },
            ConfigError::Gateway,
        ),
        (Config { gateway: Some(address(10, 0, 0, 1)), ..good.clone() }, ConfigError::Gateway),
    ] {
        assert_eq!(fetches(&wrong, &[]), Err(error));
    }
}

#[test]
fn a_transfer_that_has_ended_stays_so() {
    let buffer = || SocketBuffer::new(vec![0; 64]);
    let mut socket = Socket::new(buffer(), buffer());
    let mut transfer = Transfer::<64>::new(Filename::new("f").unwrap(), TIMEOUT);
    let mut sink = CheckedSink::default();
    let first = transfer.poll(&mut socket, Instant::ZERO, &mut sink);
    assert_eq!(first, Poll::Ready(Err(TransferError::Refused)));
    for second in [0, 100] {
        let again = transfer.poll(&mut socket, Instant::from_secs(second), &mut sink);
        assert_eq!(again, Poll::Pending);
    }
}
