//! The device: its main loop on a TAP, and its memory.

use std::collections::TryReserveError;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd as _;
use std::task::Poll;
use std::time::Duration;

use fetchlet::Filename;
use fetchlet_embedded_example::{Config, Sink, Station, Storage};
use smoltcp::iface::SocketStorage;
use smoltcp::phy::{self, TunTapInterface};
use smoltcp::time::Instant;

use crate::failure::Failure;

/// The longest request: 5 bytes and a name of 1024 (R2).
const TRANSMIT: usize = 1029;

/// How long the peer has for its part of the end.
const LINGER: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(1);

/// A whole file.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) data: Vec<u8>,
    /// From the first question (who has the server's address?) to the last byte in memory.
    pub(crate) elapsed: Duration,
    pub(crate) server: SocketAddrV4,
}

/// Keeps the file. It is hashed and written to disk later: the time told is that of the stack.
#[derive(Debug)]
struct Memory(Vec<u8>);

impl Sink for Memory {
    type Error = TryReserveError;

    fn begin(&mut self, len: u32) -> Result<(), TryReserveError> {
        self.0.try_reserve_exact(len as usize)
    }

    fn write(&mut self, data: &[u8]) -> Result<(), TryReserveError> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TryReserveError> {
        Ok(())
    }
}

/// A number that nobody can guess, and another one at each run.
pub(crate) fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Memory for a file of this length, each page of it touched: a device's memory is there as well, and
/// needs no kernel to find it at the first write.
pub(crate) fn memory(len: u32) -> Result<Vec<u8>, Failure> {
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(len as usize)
        .map_err(|_| Failure::Failed("no memory for the file; try a smaller --size".into()))?;
    memory.resize(len as usize, 0xFF);
    memory.clear();
    Ok(memory)
}

/// Fetches a file into `memory`, or more of it if need be: what a device's `main` does.
pub(crate) fn fetch(
    tap: TunTapInterface,
    config: &Config,
    rx_buffer: usize,
    name: Filename,
    server: SocketAddrV4,
    memory: Vec<u8>,
) -> Result<Received, Failure> {
    let (mut receive, mut transmit) = (vec![0; rx_buffer], [0; TRANSMIT]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let mut station = Station::new(tap, config, storage, Instant::now())
        .map_err(|fault| Failure::Failed(format!("{fault}; see --address and --gateway")))?;
    let mut memory = Memory(memory);

    let started = std::time::Instant::now();
    station
        .fetch(name, *server.ip(), server.port())
        .map_err(|fault| Failure::Failed(format!("{server}: {fault}")))?;
    let fetched = loop {
        let now = Instant::now();
        match station.poll(now, &mut memory) {
            Poll::Ready(fetched) => break fetched,
            Poll::Pending => wait(&mut station, now)?,
        }
    };
    let elapsed = started.elapsed();
    end(&mut station, &mut memory)?;
    match fetched {
        Ok(_) => Ok(Received { data: memory.0, elapsed, server }),
        Err(fault) => Err(Failure::Failed(format!("{server}: {fault}"))),
    }
}

/// Lets the end of the connection, or its reset, reach the peer.
fn end(station: &mut Tapped<'_>, memory: &mut Memory) -> Result<(), Failure> {
    let give_up = Instant::now() + LINGER;
    loop {
        let now = Instant::now();
        if station.poll(now, memory).is_ready() || station.is_closed() || now >= give_up {
            return Ok(());
        }
        wait(station, now)?;
    }
}

type Tapped<'a> = Station<'a, TunTapInterface, 1024>;

/// Sleeps until there is a frame, or something to do without one.
fn wait(station: &mut Tapped<'_>, now: Instant) -> Result<(), Failure> {
    let delay = station.poll_delay(now).unwrap_or(LINGER).min(LINGER);
    match phy::wait(station.device_mut().as_raw_fd(), Some(delay)) {
        // A process that was stopped and goes on.
        Err(fault) if fault.kind() != io::ErrorKind::Interrupted => {
            Err(Failure::Failed(format!("the TAP can't be waited for: {fault}")))
        }
        _ => Ok(()),
    }
}
