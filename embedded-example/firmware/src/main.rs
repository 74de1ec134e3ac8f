//! Fetches a file over Ethernet on a bare Cortex-M3, computes its CRC-32, and logs the result.
#![no_std]
#![no_main]

mod clock;
mod exit;
mod mac;
mod registers;
mod settings;

use core::convert::Infallible;
use core::task::Poll;

use cortex_m_rt::entry;
use defmt_semihosting as _;
use fetchlet_smoltcp::{Client, Config, Crc32Sink, Sink, Storage, TransferError};
use semihosting::sys::arm_compat::{sys_elapsed, sys_time};
use smoltcp::iface::SocketStorage;
use smoltcp::time::{Duration, Instant};

use crate::mac::{Frame, Mac};
use crate::settings::{MAX_NAME_LEN, Settings};

/// The receive buffer in bytes, which is the TCP window: below 16 KiB the throughput falls.
const RECEIVE_LEN: usize = 16 * 1024;
/// The transmit buffer in bytes: a request has 5 bytes and a name of at most 64 (R2); the rest is
/// spare.
const TRANSMIT_LEN: usize = 512;
/// The longest time that the server has to close the connection after the download.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

type EthernetClient = Client<'static, Mac<'static>, MAX_NAME_LEN>;

#[entry]
fn main() -> ! {
    static mut RECEIVED: Frame = Frame::EMPTY;
    static mut SENT: Frame = Frame::EMPTY;
    static mut RECEIVE_RING: [u8; RECEIVE_LEN] = [0; RECEIVE_LEN];
    static mut TRANSMIT_RING: [u8; TRANSMIT_LEN] = [0; TRANSMIT_LEN];
    static mut SOCKET: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY];

    let peripherals = defmt::unwrap!(cortex_m::Peripherals::take());
    clock::start(peripherals.SYST);
    let settings = match settings::read() {
        Ok(settings) => settings,
        Err(fault) => {
            defmt::error!("command line: {=str}", fault);
            exit::exit(false)
        }
    };
    let storage = Storage { receive: RECEIVE_RING, transmit: TRANSMIT_RING, socket: SOCKET };
    let mac = Mac::new(RECEIVED, SENT);
    let client = match Client::new(mac, &config(&settings), storage, clock::now()) {
        Ok(client) => client,
        Err(fault) => {
            defmt::error!("command line: {}", fault);
            exit::exit(false)
        }
    };
    let mut firmware = Firmware { client, idle: Duration::ZERO };
    exit::exit(firmware.run(&settings))
}

fn config(settings: &Settings) -> Config {
    // The host's time in seconds and the nanoseconds since QEMU's start: each run has another seed.
    let seconds = sys_time().unwrap_or_default() as u64;
    let random_seed = seconds << 32 ^ sys_elapsed().unwrap_or_default();
    Config {
        mac_address: Mac::address(),
        address: settings.address,
        gateway: settings.gateway,
        random_seed,
        timeout: settings.timeout,
        ack_delay: None,
    }
}

struct Firmware {
    client: EthernetClient,
    /// The time that the CPU slept.
    idle: Duration,
}

impl Firmware {
    /// Fetches the file. Returns whether the file is whole.
    fn run(&mut self, settings: &Settings) -> bool {
        let (server, port) = (settings.server, settings.port);
        settings.log();
        if let Err(error) = self.client.fetch(settings.filename.clone(), server, port) {
            defmt::error!("no connection can be made: {}", error);
            return false;
        }
        let started = clock::now();
        let mut sink = Crc32Sink::new(LoggingSink::default());
        let result = self.transfer(&mut sink);
        let took = clock::now() - started;
        let idle = self.idle;
        self.close(&mut sink);
        let success = match result {
            Ok(len) => {
                defmt::info!("whole: {=u32} bytes, CRC-32 {=u32:08x}", len, sink.crc32());
                true
            }
            Err(error) => {
                defmt::error!("failed: {}", error);
                false
            }
        };
        defmt::info!("{=u64} us, of them idle {=u64} us", took.total_micros(), idle.total_micros());
        defmt::info!("frames: {}", self.client.device_mut().counters);
        let (used, size) = registers::stack();
        defmt::info!("stack: {=usize} of {=usize} bytes used", used, size);
        success
    }

    fn transfer(
        &mut self,
        sink: &mut Crc32Sink<LoggingSink>,
    ) -> Result<u32, TransferError<Infallible>> {
        loop {
            let now = clock::now();
            if let Poll::Ready(result) = self.client.poll(now, sink) {
                return result;
            }
            self.sleep(now, None);
        }
    }

    /// Polls until the end or the reset of the connection has reached the server.
    fn close(&mut self, sink: &mut Crc32Sink<LoggingSink>) {
        let end = clock::now() + CLOSE_TIMEOUT;
        loop {
            let now = clock::now();
            // No download is under way: this only moves frames.
            if self.client.poll(now, sink).is_ready() || self.client.is_closed() || now >= end {
                return;
            }
            self.sleep(now, Some(end));
        }
    }

    /// Sleeps until the MAC has a frame or the client has work, at most until `latest`.
    fn sleep(&mut self, now: Instant, latest: Option<Instant>) {
        let due = self.client.poll_delay(now).map(|delay| now + delay);
        let until = due.into_iter().chain(latest).min();
        let from = clock::now();
        let mut at = from;
        while !Mac::has_frame() && until.is_none_or(|until| at < until) {
            Mac::sleep();
            at = clock::now();
        }
        self.idle += at - from;
    }
}

/// A sink that logs each quarter of the file; a device would write to flash here.
#[derive(Default)]
struct LoggingSink {
    len: u32,
    received: u32,
    quarters: u32,
}

impl Sink for LoggingSink {
    type Error = Infallible;

    fn begin(&mut self, len: u32) -> Result<(), Infallible> {
        defmt::info!("the server announces {=u32} bytes", len);
        *self = Self { len, ..Self::default() };
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), Infallible> {
        self.received += data.len() as u32;
        while self.quarters < 3 && self.received >= self.len / 4 * (self.quarters + 1) {
            self.quarters += 1;
            defmt::info!("{=u32} %", self.quarters * 25);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
