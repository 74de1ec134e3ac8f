//! The device in this process: a station on the segment fetches the file.

use std::task::Poll;
use std::time;

use fetchlet::Filename;
use fetchlet_embedded_example::link::{Capture, End};
use fetchlet_embedded_example::{Config, Station, Storage, TransferError};
use smoltcp::iface::SocketStorage;
use smoltcp::phy::PcapWriter;
use smoltcp::time::{Duration, Instant};

use crate::Source;
use crate::args::Args;
use crate::network::{DEVICE, DEVICE_HARDWARE, GATEWAY, Network};
use crate::report;
use crate::sink::Received;

/// How long the end of the connection may take after the file is whole, if frames are lost.
const FAREWELL: time::Duration = time::Duration::from_secs(3);

/// A request is 5 bytes and the name, which the command line may make as long as it can be.
const REQUEST: usize = 5 + 1024;

type Device<'a> = Station<'a, PcapWriter<End, Capture>, 1024>;

/// Fetches, reports, compares: whether both sides are equal.
pub(crate) fn run(args: &Args, source: &Source) -> Result<bool, String> {
    let sink = Received::new(args.output.as_deref());
    let mut sink = sink.map_err(|error| crate::sink::chain(&error))?;
    let (mut network, device) = Network::new(args, source)?;
    let (mut receive, mut transmit) = (vec![0; args.rx_buffer], [0; REQUEST]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let now = network.clock.now();
    let config = Config {
        hardware: DEVICE_HARDWARE,
        address: DEVICE,
        gateway: Some(GATEWAY.address()),
        seed: now.total_micros() as u64,
        timeout: Duration::from(args.timeout),
        ack_delay: None,
    };
    let station = Station::new(device, &config, storage, now);
    let mut station: Device<'_> = station.map_err(|error| error.to_string())?;
    let name = Filename::new(&source.file).map_err(|error| error.to_string())?;
    let port = source.server.port();
    station.fetch(name, GATEWAY.address(), port).map_err(|error| error.to_string())?;

    report::beginning(args, source).map_err(report::unwritten)?;
    let fetched = drive(&mut network, &mut station, &mut sink);
    let elapsed = network.clock.elapsed();
    farewell(&mut network, &mut station, &mut sink)?;
    network.finish(args)?;
    report::segment(&network.monitor).map_err(report::unwritten)?;
    let len = fetched.map_err(|error| explain(error, &network))?;
    report::end(args, source, &sink, len, elapsed).map_err(report::unwritten)
}

fn drive(
    network: &mut Network,
    station: &mut Device<'_>,
    sink: &mut Received,
) -> Result<u32, TransferError<String>> {
    loop {
        let now = network.clock.now();
        if let Poll::Ready(fetched) = station.poll(now, sink) {
            return fetched;
        }
        network.gateway.poll(now);
        sleep(network, station, now).map_err(TransferError::Sink)?;
    }
}

/// Both sides learn of the end, so that the server has nothing to wait for.
fn farewell(
    network: &mut Network,
    station: &mut Device<'_>,
    sink: &mut Received,
) -> Result<(), String> {
    let start = network.clock.elapsed();
    loop {
        let now = network.clock.now();
        // Nothing is being fetched any more: this moves frames only.
        if let Poll::Ready(Err(error)) = station.poll(now, sink) {
            return Err(error.to_string());
        }
        network.gateway.poll(now);
        let over = station.is_closed() && !network.gateway.is_busy();
        if over || network.clock.elapsed() - start > FAREWELL {
            return Ok(());
        }
        sleep(network, station, now)?;
    }
}

fn sleep(network: &mut Network, station: &mut Device<'_>, now: Instant) -> Result<(), String> {
    let delay = station.poll_delay(now);
    let delay = network.delay(now, delay);
    network.sleep(delay, None)
}

/// What went wrong, and what to do about it.
fn explain(error: TransferError<String>, network: &Network) -> String {
    let behind = network.gateway.error().map(|error| format!("; behind the gateway: {error}"));
    let behind = behind.unwrap_or_default();
    let advice = match &error {
        TransferError::Sink(reason) => return reason.clone(),
        TransferError::NotFound => "check the name of the file",
        TransferError::Reset(_) if !behind.is_empty() => "check that the server runs and its port",
        TransferError::TimedOut(_) | TransferError::ConnectTimedOut => {
            "try a longer --timeout, or fewer losses"
        }
        TransferError::Download(_) => "check that the server speaks this protocol, and try again",
        _ => "try again, and -v for what the stack does",
    };
    format!("{error}{behind}; {advice}")
}
