//! A device outside of the program `simulated`: frames in datagrams, as an emulator sends them.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::task::Poll;

use fetchlet_codec::Filename;
use fetchlet_segment::{Datagram, WallClock};
use fetchlet_smoltcp::{Client, Config, Crc32Sink, Sink, Storage};
use fetchlet_test_kit::{ChildProcess, LIMIT, built, within};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
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

/// A program that serves a device outside, and says so.
struct ServedProgram {
    child: ChildProcess,
    stdout: BufReader<ChildStdout>,
    ready: String,
}

impl ServedProgram {
    fn start(mut command: Command) -> Self {
        let mut child = ChildProcess::start(command.stdout(Stdio::piped())).unwrap();
        let mut stdout = BufReader::new(child.stdout().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        Self { child, stdout, ready }
    }

    /// The value of `key` in the line that says where to connect.
    fn value(&self, key: &str) -> &str {
        let mut words = self.ready.split_whitespace().filter_map(|word| word.split_once('='));
        words.find(|word| word.0 == key).unwrap_or_else(|| panic!("{}", self.ready)).1
    }

    /// Fetches the file by `device`, and asserts that the program then ends with success. Returns
    /// the rest of what it printed.
    fn fetched_by(mut self, device: Datagram) -> String {
        let crc32 = fetch(device, self.value("port").parse().unwrap());
        assert_eq!(format!("{crc32:08x}"), self.value("crc32"));
        assert_eq!(self.child.wait(LIMIT).unwrap().unwrap().code(), Some(0));
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
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
            let rest = ServedProgram::start(simulated(&arguments)).fetched_by(device);
            assert!(rest.starts_with("sent  ") && rest.contains("\nreceived  "), "{rest}");
            assert!(!far.exists(), "its socket is still there");
        }
    });
}

#[test]
fn a_signal_that_it_was_started_to_ignore_stays_ignored() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let [near, far] = ["near", "far"].map(|name| folder.path().join(name));
        let device = Datagram::bind(&near, &far).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' HUP; exec \"$0\" --size 100000 --wire \"$1\" \"$2\""]);
        shell.arg(built("simulated").unwrap()).args([&far, &near]).stdin(Stdio::null());
        let served = ServedProgram::start(shell);
        // A second one would end it at once.
        for _ in 0..2 {
            served.child.signal(Signal::HUP).unwrap();
        }
        served.fetched_by(device);
    });
}
