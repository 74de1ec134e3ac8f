//! Fetches a file over Ethernet on a bare Cortex-M3, checks it, and says on the log how it went.
#![no_std]
#![no_main]

mod clock;
mod end;
mod mac;
mod registers;
mod settings;

use core::convert::Infallible;
use core::task::Poll;

use cortex_m_rt::entry;
use defmt_semihosting as _;
use fetchlet_embedded_example::{Checksum, Config, Sink, Station, Storage, TransferError};
use semihosting::sys::arm_compat::{sys_elapsed, sys_time};
use smoltcp::iface::SocketStorage;
use smoltcp::time::{Duration, Instant};

use crate::mac::{Frame, Mac};
use crate::settings::{NAME, Settings};

/// The window: it bounds what is under way, and with that the throughput.
const RECEIVE: usize = 16 * 1024;
/// A request and some room.
const TRANSMIT: usize = 512;
/// How long the peer may take to close after the transfer.
const LINGER: Duration = Duration::from_secs(1);

type Device = Station<'static, Mac<'static>, NAME>;

#[entry]
fn main() -> ! {
    static mut RECEIVED: Frame = Frame::EMPTY;
    static mut SENT: Frame = Frame::EMPTY;
    static mut RECEIVE_RING: [u8; RECEIVE] = [0; RECEIVE];
    static mut TRANSMIT_RING: [u8; TRANSMIT] = [0; TRANSMIT];
    static mut SOCKET: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY];

    let peripherals = defmt::unwrap!(cortex_m::Peripherals::take());
    clock::start(peripherals.SYST);
    let settings = match settings::read() {
        Ok(settings) => settings,
        Err(fault) => {
            defmt::error!("command line: {=str}", fault);
            end::exit(false)
        }
    };
    let storage = Storage { receive: RECEIVE_RING, transmit: TRANSMIT_RING, socket: SOCKET };
    let mac = Mac::new(RECEIVED, SENT);
    let station = match Station::new(mac, &config(&settings), storage, clock::now()) {
        Ok(station) => station,
        Err(fault) => {
            defmt::error!("command line: {}", fault);
            end::exit(false)
        }
    };
    let mut firmware = Firmware { station, idle: Duration::ZERO };
    end::exit(firmware.run(&settings))
}

fn config(settings: &Settings) -> Config {
    // The host's time in seconds, and its nanoseconds since QEMU's start: no two runs get the same.
    let seconds = sys_time().unwrap_or_default() as u64;
    let seed = seconds << 32 ^ sys_elapsed().unwrap_or_default();
    Config {
        hardware: Mac::address(),
        address: settings.address,
        gateway: settings.gateway,
        seed,
        timeout: settings.timeout,
        ack_delay: None,
    }
}

struct Firmware {
    station: Device,
    /// How long the CPU slept.
    idle: Duration,
}

impl Firmware {
    /// Fetches the file; whether it is whole.
    fn run(&mut self, settings: &Settings) -> bool {
        let (server, port) = (settings.server, settings.port);
        settings.log();
        if let Err(error) = self.station.fetch(settings.filename.clone(), server, port) {
            defmt::error!("no connection can be made: {}", error);
            return false;
        }
        let started = clock::now();
        let mut sink = Checksum::new(Progress::default());
        let result = self.transfer(&mut sink);
        let took = clock::now() - started;
        let idle = self.idle;
        self.linger(&mut sink);
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
        defmt::info!("frames: {}", self.station.device_mut().counters);
        let (used, size) = registers::stack();
        defmt::info!("stack: {=usize} of {=usize} bytes used", used, size);
        success
    }

    fn transfer(
        &mut self,
        sink: &mut Checksum<Progress>,
    ) -> Result<u32, TransferError<Infallible>> {
        loop {
            let now = clock::now();
            if let Poll::Ready(result) = self.station.poll(now, sink) {
                return result;
            }
            self.sleep(now, None);
        }
    }

    /// Lets the peer know that it is over: a close or a reset has yet to leave.
    fn linger(&mut self, sink: &mut Checksum<Progress>) {
        let end = clock::now() + LINGER;
        loop {
            let now = clock::now();
            // Nothing is being fetched any more.
            if self.station.poll(now, sink).is_ready() || self.station.is_closed() || now >= end {
                return;
            }
            self.sleep(now, Some(end));
        }
    }

    /// Sleeps until there is something to do, `latest` at the latest.
    fn sleep(&mut self, now: Instant, latest: Option<Instant>) {
        let due = self.station.poll_delay(now).map(|delay| now + delay);
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

/// Says how far it is, at each quarter; a device would write to flash here.
#[derive(Default)]
struct Progress {
    len: u32,
    received: u32,
    quarters: u32,
}

impl Sink for Progress {
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
