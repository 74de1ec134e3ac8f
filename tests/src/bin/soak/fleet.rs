//! A fleet of devices at one server: thousands of links of 20 kB/s, on each of which a device
//! fetches 1 MiB, all at the same time. The program `fleet` computes with the figures that this
//! measures.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::usage::{cpu, tcp_pages};
use fetchlet_test_kit::{ServeProcess, request, response};

use crate::peers::{ServedFolder, connect_with, slowest, sources};
use crate::report::SoakReport;

/// The address of a client that is not part of the fleet.
const FAST: Ipv4Addr = Ipv4Addr::new(127, 0, 3, 1);

/// Bytes per second that a device takes: 160 kbit/s, two thirds of what the radio of Thread and
/// Zigbee carries (IEEE 802.15.4: 250 kbit/s).
const RATE: usize = 20_000;
/// Bytes that a device takes in its turn, twice a second.
const BITE: usize = 10_000;
/// The interval between the turns of two groups of devices.
const TICK: Duration = Duration::from_millis(50);
/// The number of groups: with 10 ticks of 50 ms each device has two turns a second.
const GROUPS: usize = 10;

/// The receive buffer of a device in bytes. It holds about what one turn takes; the rest waits at
/// the server.
const BUFFER: usize = 8192;

/// Longest run: more than the fleet needs if the server keeps up.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let (devices, len) = if quick { (500, 60_000) } else { (9_900, 1 << 20) };
    let mut folder = ServedFolder::new()?;
    folder.large.truncate(len);
    std::fs::write(folder.path().join("large"), &folder.large)?;
    let options = ["-q", "--max-connections", "10000", "--max-per-peer", "0"];
    let server = ServeProcess::start(folder.path(), &options)?;
    let (memory, pages, spent) = (server.usage()?.resident, tcp_pages()?, cpu(&[server.pid()])?);

    let mut fleet = Fleet::gather(server.addr(), devices, response(&folder.large))?;
    let start = Instant::now();
    let (mut peak_memory, mut peak_pages, mut worst) = (memory, pages, 0.0_f64);
    while fleet.take_turns() && start.elapsed() < PATIENCE {
        // The kernel needs milliseconds to list the server's descriptors.
        if fleet.tick % 20 == 0 {
            peak_memory = peak_memory.max(server.usage()?.resident);
            peak_pages = peak_pages.max(tcp_pages()?);
        }
        worst = worst.max(slowest(&folder, FAST, server.addr(), 1)?);
    }
    let took = start.elapsed().as_secs_f64();
    let spent = (cpu(&[server.pid()])? - spent).as_secs_f64();

    let (count, mebibytes) = (devices as f64, devices as f64 * len as f64 / 1_048_576.0);
    report.exactly("devices with the whole file, every byte right", fleet.whole(), devices as u64);
    report.at_most("the last has it after", took, "s", len as f64 / RATE as f64 * 1.2 + 3.0);
    report.tell("sent", format!("{:.0} MiB/s", mebibytes / took));
    report.tell("server's CPU", format!("{:.2} of a core", spent / took));
    report.tell("server's CPU per MiB", format!("{:.0} µs", spent * 1e6 / mebibytes));
    report.at_most("slowest answer to others meanwhile", worst, "ms", 1000.0);
    let each = (peak_memory - memory) as f64 / count;
    report.tell("server's memory per device", format!("{each:.0} bytes"));
    let each = (peak_pages - pages) * 4096.0 / count;
    report.tell("TCP memory per device, of both ends", format!("{each:.0} bytes"));
    Ok(())
}

struct Fleet {
    answer: Vec<u8>,
    devices: Vec<Device>,
    tick: usize,
    next: Instant,
}

struct Device {
    stream: TcpStream,
    received: usize,
    failed: bool,
}

impl Fleet {
    fn gather(server: SocketAddr, count: usize, answer: Vec<u8>) -> io::Result<Self> {
        let devices = (0..count).zip(sources(2, 20)).map(|(_, source)| {
            let mut stream = connect_with(source, server, Some(BUFFER))?;
            stream.write_all(&request(b"large"))?;
            stream.set_nonblocking(true)?;
            Ok(Device { stream, received: 0, failed: false })
        });
        let devices = devices.collect::<io::Result<_>>()?;
        Ok(Self { answer, devices, tick: 0, next: Instant::now() })
    }

    /// Waits for the next tick and lets the devices of this turn read. Returns whether a device
    /// needs more bytes.
    #[expect(clippy::disallowed_methods, reason = "these peers are to be slow")]
    fn take_turns(&mut self) -> bool {
        thread::sleep(self.next.saturating_duration_since(Instant::now()));
        self.next += TICK;
        let turn = self.devices.iter_mut().skip(self.tick % GROUPS).step_by(GROUPS);
        turn.for_each(|device| device.take(&self.answer));
        self.tick += 1;
        let len = self.answer.len();
        self.devices.iter().any(|device| !device.failed && device.received < len)
    }

    fn whole(&self) -> u64 {
        let whole = |device: &&Device| !device.failed && device.received == self.answer.len();
        self.devices.iter().filter(whole).count() as u64
    }
}

impl Device {
    fn take(&mut self, answer: &[u8]) {
        let mut bite = [0; BITE];
        let mut left = BITE.min(answer.len() - self.received);
        while left > 0 && !self.failed {
            match self.stream.read(&mut bite[..left]) {
                Ok(0) => self.failed = true,
                Ok(len) => {
                    let expected = &answer[self.received..][..len];
                    self.failed |= *expected != bite[..len];
                    self.received += len;
                    left -= len;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.failed = true,
            }
        }
    }
}
