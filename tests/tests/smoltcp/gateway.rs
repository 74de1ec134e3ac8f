//! The gateway at the far end of the segment, with a real server behind it.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::task::Poll;
use std::thread;
use std::time;

use fetchlet_codec::Filename;
use fetchlet_segment::{
    ConnectionCounts, Endpoint, Gateway, GatewayConfig, LinkConditions, Monitor, WallClock, segment,
};
use fetchlet_smoltcp::{Client, Storage, TransferError};
use fetchlet_test_kit::{HELLO, LIMIT, RunningServer, random_bytes, within};
use smoltcp::iface::SocketStorage;
use smoltcp::time::Duration;
use smoltcp::wire::{EthernetAddress, Ipv4Cidr};

use crate::fixture::{CheckedSink, FailAt, SERVER, config};

struct ClientBehindGateway<'a> {
    client: Client<'a, Endpoint, 64>,
    gateway: Gateway<Endpoint>,
    monitor: Monitor,
    clock: WallClock,
}

impl<'a> ClientBehindGateway<'a> {
    fn new(server: SocketAddr, storage: Storage<'a>) -> Self {
        let (near, far) = segment(1500, LinkConditions::default(), LinkConditions::default());
        let clock = WallClock::start();
        let gateway = GatewayConfig {
            mac_address: EthernetAddress([2, 0, 0, 0, 0, 1]),
            address: Ipv4Cidr::new(SERVER, 24),
            port: server.port(),
            server,
            random_seed: 5,
            buffer: 4096,
            timeout: Duration::from_secs(20),
        };
        let gateway = Gateway::new(far, &gateway, clock.now());
        let monitor = near.monitor();
        let config = config(Duration::from_secs(10));
        let client = Client::new(near, &config, storage, clock.now()).unwrap();
        Self { client, gateway, monitor, clock }
    }

    fn fetch(&mut self, name: &str, port: u16) -> Result<Vec<u8>, TransferError<FailAt>> {
        let (mut sink, mut result) = (CheckedSink::default(), None);
        self.client.fetch(Filename::new(name).unwrap(), SERVER, port).unwrap();
        loop {
            let now = self.clock.now();
            if let Poll::Ready(ready) = self.client.poll(now, &mut sink) {
                result = Some(ready);
            }
            self.gateway.poll(now);
            match result {
                Some(result) if self.client.is_closed() && !self.gateway.is_busy() => {
                    return result.map(|_| sink.data);
                }
                _ => {}
            }
            let arrival = self.monitor.next_arrival().map(|_| Duration::ZERO);
            let delays = [arrival, self.gateway.poll_delay(now), self.client.poll_delay(now)];
            self.gateway.wait(delays.into_iter().flatten().min(), None).unwrap();
        }
    }
}

/// More fetches than the gateway has sockets, without a pause between them: no socket may become
/// unusable, and the device must not use a port again that the other side still remembers.
#[test]
fn a_client_fetches_again_and_again_at_once() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let content = random_bytes(2, 50_000);
        fs::write(folder.path().join("f"), &content).unwrap();
        let server = RunningServer::start(folder.path());
        let (mut receive, mut transmit) = ([0; 2048], [0; 128]);
        let mut socket = [SocketStorage::EMPTY];
        let storage =
            Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
        let mut network = ClientBehindGateway::new(server.addr(), storage);
        for round in 0..10 {
            assert!(network.fetch("f", server.port()).unwrap() == content, "round {round}");
            assert_eq!(network.fetch("g", server.port()), Err(TransferError::NotFound));
        }
        let ConnectionCounts { accepted, finished, broken } = network.gateway.connections();
        // A device that drops a transfer resets the connection.
        assert_eq!((accepted, finished + broken), (20, 20));
        assert!(finished >= 10, "{finished} of {accepted} were finished");
        assert!(network.clock.elapsed().as_secs() < 10, "{:?}", network.clock.elapsed());
        assert!(network.gateway.error().is_none(), "{:?}", network.gateway.error());
    });
}

/// Runs an exchange with a server that ends its side only after the device has. Returns how the
/// connection ended for the server, and the result of the device.
fn patient(answer: &'static [u8]) -> (io::Result<usize>, Result<Vec<u8>, TransferError<FailAt>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept()?;
        connection.set_read_timeout(Some(time::Duration::from_secs(10)))?;
        connection.read_exact(&mut [0; 6])?;
        connection.write_all(answer)?;
        connection.read_to_end(&mut Vec::new())
    });
    let (mut receive, mut transmit) = ([0; 2048], [0; 128]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let fetched = ClientBehindGateway::new(addr, storage).fetch("f", addr.port());
    (server.join().unwrap(), fetched)
}

#[test]
fn the_end_of_the_device_reaches_the_server() {
    within(LIMIT, || {
        let (ended, fetched) = patient(HELLO);
        assert_eq!(fetched.as_deref(), Ok(&b"hello"[..]));
        assert_eq!(ended.unwrap(), 0);
    });
}

#[test]
fn a_reset_by_the_device_reaches_the_server() {
    within(LIMIT, || {
        let (ended, fetched) = patient(b"garbage");
        assert!(matches!(fetched, Err(TransferError::Download(_))), "{fetched:?}");
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}
