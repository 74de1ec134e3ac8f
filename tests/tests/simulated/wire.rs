//! A device outside of the program `simulated`: frames in datagrams, as an emulator sends them.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::task::Poll;

use fetchlet_codec::Filename;
use fetchlet_segment::{Datagram, WallClock};
use fetchlet_smoltcp::{Client, Config, Crc32Sink, Sink, Storage};
use fetchlet_test_kit::{ChildProcess, LIMIT, within};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smoltcp::iface::SocketStorage;
use smoltcp::time::Duration;
use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};

use crate::simulated;

/// A sink that drops all bytes: only the checksum is of interest.
struct Nowhere;

impl Sink for Nowhere {
    type Error = ();

    fn begin(&mut self, _: u32) -> Result<(), ()> {
        Ok(())
    }

    fn write(&mut self, _: &[u8]) -> Result<(), ()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ()> {
        Ok(())
    }
}

/// Fetches the demo file over datagrams, as a device in an emulator does, and returns its CRC-32.
fn fetch(device: Datagram, port: u16) -> u32 {
    let (mut receive, mut transmit) = ([0; 4096], [0; 64]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let clock = WallClock::start();
    let config = Config {
        mac_address: EthernetAddress([2, 0, 0, 0, 0, 2]),
        address: Ipv4Cidr::new(Ipv4Address::new(192, 168, 69, 2), 24),
        gateway: None,
        random_seed: 3,
        timeout: Duration::from_secs(20),
        ack_delay: None,
    };
    let mut client: Client<'_, _, 64> = Client::new(device, &config, storage, clock.now()).unwrap();
    let name = Filename::new("demo.bin").unwrap();
    client.fetch(name, Ipv4Address::new(192, 168, 69, 1), port).unwrap();
    let (mut sink, mut len) = (Crc32Sink::new(Nowhere), None);
    loop {
        let now = clock.now();
        if let Poll::Ready(ready) = client.poll(now, &mut sink) {
            len = Some(ready.unwrap());
        }
        if len.is_some() && client.is_closed() {
            assert_eq!(len, Some(100_000));
            return sink.crc32();
        }
        let delay = client.poll_delay(now).unwrap_or(Duration::from_secs(1));
        let tv_sec = i64::try_from(delay.secs()).unwrap();
        let timeout = Timespec { tv_sec, tv_nsec: delay.micros() as i64 * 1000 };
        poll(&mut [PollFd::new(client.device_mut(), PollFlags::IN)], Some(&timeout)).unwrap();
    }
}

#[test]
fn a_device_outside_is_served_until_its_connection_ends() {
    within(LIMIT, || {
        for losses in [&[][..], &["--drop", "3", "--corrupt", "2"]] {
            let folder = tempfile::tempdir().unwrap();
            let [near, far] = ["near", "far"].map(|name| folder.path().join(name));
            let device = Datagram::bind(&near, &far).unwrap();
            let (local, remote) = (far.to_str().unwrap(), near.to_str().unwrap());
            let arguments = [&["--size", "100000", "--wire", local, remote], losses].concat();
            let mut child =
                ChildProcess::start(simulated(&arguments).stdout(Stdio::piped())).unwrap();
            let mut stdout = BufReader::new(child.stdout().unwrap());
            let mut ready = String::new();
            stdout.read_line(&mut ready).unwrap();
            let value = |key: &str| {
                let mut words = ready.split_whitespace().filter_map(|word| word.split_once('='));
                words.find(|word| word.0 == key).unwrap_or_else(|| panic!("{ready}")).1
            };
            let crc32 = fetch(device, value("port").parse().unwrap());
            assert_eq!(format!("{crc32:08x}"), value("crc32"));
            assert_eq!(child.wait(LIMIT).unwrap().unwrap().code(), Some(0), "{losses:?}");
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            assert!(rest.starts_with("sent  ") && rest.contains("\nreceived  "), "{rest}");
            assert!(!far.exists(), "its socket is still there");
        }
    });
}
