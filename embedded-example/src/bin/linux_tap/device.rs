//! The device: the client's main loop on a TAP, and the memory for the file.

use std::collections::TryReserveError;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::SocketAddrV4;
use std::task::Poll;
use std::time::Duration;

use fetchlet::Filename;
use fetchlet_smoltcp::{Client, Config, Sink, Storage};
use smoltcp::iface::SocketStorage;
use smoltcp::time::Instant;

use crate::failure::Failure;
use crate::tap_device::TapDevice;

/// The transmit buffer in bytes: the longest request has 5 bytes and a name of 1024 (R2).
const TRANSMIT_LEN: usize = 1029;

/// The longest time that the server has to close the connection after the download. The kernel at
/// the other end of the TAP answers within a millisecond.
const CLOSE_TIMEOUT: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(1);

/// A file that has arrived whole.
#[derive(Debug)]
pub(crate) struct ReceivedFile {
    pub(crate) data: Vec<u8>,
    /// The time from the first ARP request to the last byte in memory.
    pub(crate) elapsed: Duration,
    pub(crate) server: SocketAddrV4,
}

/// A sink that keeps the file in memory. Hashing and writing it later keeps the measured time that
/// of the stack alone.
#[derive(Debug)]
struct MemorySink(Vec<u8>);

impl Sink for MemorySink {
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

/// A number that nobody can guess, a different one at each run.
pub(crate) fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Allocates memory for a file of `len` bytes and touches each page, as a device's memory is there
/// from the start: else the measured time would include the kernel's page faults.
pub(crate) fn memory(len: u32) -> Result<Vec<u8>, Failure> {
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(len as usize)
        .map_err(|_| Failure::Failed("no memory for the file; try a smaller --size".into()))?;
    memory.resize(len as usize, 0xFF);
    memory.clear();
    Ok(memory)
}

/// Fetches the file `name` into `memory`, which grows if the file is longer: a device's `main`.
pub(crate) fn fetch(
    tap: TapDevice,
    config: &Config,
    rx_buffer: usize,
    name: Filename,
    server: SocketAddrV4,
    memory: Vec<u8>,
) -> Result<ReceivedFile, Failure> {
    let (mut receive, mut transmit) = (vec![0; rx_buffer], [0; TRANSMIT_LEN]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let mut client = Client::new(tap, config, storage, Instant::now())
        .map_err(|fault| Failure::Failed(format!("{fault}; see --address and --gateway")))?;
    let mut memory = MemorySink(memory);

    let started = std::time::Instant::now();
    client
        .fetch(name, *server.ip(), server.port())
        .map_err(|fault| Failure::Failed(format!("{server}: {fault}")))?;
    let fetched = loop {
        let now = Instant::now();
        match client.poll(now, &mut memory) {
            Poll::Ready(fetched) => break fetched,
            Poll::Pending => wait(&mut client, now)?,
        }
    };
    let elapsed = started.elapsed();
    close(&mut client, &mut memory);
    match fetched {
        Ok(_) => Ok(ReceivedFile { data: memory.0, elapsed, server }),
        Err(fault) => Err(Failure::Failed(format!("{server}: {fault}"))),
    }
}

/// Polls until the end or the reset of the connection has reached the server. A TAP that is gone by
/// then takes nothing back.
fn close(client: &mut TapClient<'_>, memory: &mut MemorySink) {
    let give_up = Instant::now() + CLOSE_TIMEOUT;
    loop {
        let now = Instant::now();
        let over = client.poll(now, memory).is_ready() || client.is_closed() || now >= give_up;
        if over || wait(client, now).is_err() {
            return;
        }
    }
}

type TapClient<'a> = Client<'a, TapDevice, 1024>;

/// Sleeps until the TAP has a frame or the client has work without one.
fn wait(client: &mut TapClient<'_>, now: Instant) -> Result<(), Failure> {
    let delay = client.poll_delay(now).unwrap_or(CLOSE_TIMEOUT).min(CLOSE_TIMEOUT);
    let tap = client.device_mut();
    if let Some(fault) = tap.failure() {
        return Err(Failure::Failed(format!(
            "no more frames arrive by the TAP ({fault}): it was deleted; make it again"
        )));
    }
    tap.wait(delay)
        .map_err(|fault| Failure::Failed(format!("the TAP can't be waited for: {fault}")))
}
