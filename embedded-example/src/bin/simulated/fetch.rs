//! The device in this process: a client on the segment fetches the file.

use std::task::Poll;
use std::time;

use fetchlet::Filename;
use fetchlet_embedded_example::error_chain;
use fetchlet_segment::{Capture, Endpoint};
use fetchlet_smoltcp::{Client, Config, Storage, TransferError};
use smoltcp::iface::SocketStorage;
use smoltcp::phy::PcapWriter;
use smoltcp::time::{Duration, Instant};

use crate::args::Args;
use crate::console;
use crate::file_sink::FileSink;
use crate::network::{DEVICE, DEVICE_MAC, GATEWAY, SimulatedNetwork};
use crate::source::Source;

/// The longest time that the end of the connection may take after the download: two losses of a
/// frame, which TCP repeats after a second.
const CLOSE_TIMEOUT: time::Duration = time::Duration::from_secs(3);

/// The transmit buffer in bytes: the longest request has 5 bytes and a name of 1024 (R2).
const TRANSMIT_LEN: usize = 5 + 1024;

type SegmentClient<'a> = Client<'a, PcapWriter<Endpoint, Capture>, 1024>;

/// Fetches the file, prints the result and compares. Returns whether both sides are equal.
pub(crate) fn run(args: &Args, source: &Source) -> Result<bool, String> {
    let sink = FileSink::new(args.output.as_deref());
    let mut sink = sink.map_err(|error| error_chain(&error))?;
    let (mut network, device) = SimulatedNetwork::new(args, source)?;
    let (mut receive, mut transmit) = (vec![0; args.rx_buffer], [0; TRANSMIT_LEN]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let now = network.clock.now();
    let config = Config {
        mac_address: DEVICE_MAC,
        address: DEVICE,
        gateway: Some(GATEWAY.address()),
        random_seed: now.total_micros() as u64,
        timeout: Duration::from(args.timeout),
        ack_delay: None,
    };
    let client = Client::new(device, &config, storage, now);
    let mut client: SegmentClient<'_> = client.map_err(|error| error.to_string())?;
    let name = Filename::new(&source.file).map_err(|error| error.to_string())?;
    let port = source.server.port();
    client.fetch(name, GATEWAY.address(), port).map_err(|error| error.to_string())?;

    console::beginning(args, source).map_err(console::unwritten)?;
    let fetched = drive(&mut network, &mut client, &mut sink);
    let elapsed = network.clock.elapsed();
    close(&mut network, &mut client, &mut sink)?;
    network.finish(args)?;
    console::segment(&network.monitor).map_err(console::unwritten)?;
    let len = fetched.map_err(|error| explain(error, &network))?;
    console::end(args, source, &sink, len, elapsed).map_err(console::unwritten)
}

fn drive(
    network: &mut SimulatedNetwork,
    client: &mut SegmentClient<'_>,
    sink: &mut FileSink,
) -> Result<u32, TransferError<String>> {
    loop {
        let now = network.clock.now();
        if let Poll::Ready(fetched) = client.poll(now, sink) {
            return fetched;
        }
        network.gateway.poll(now);
        sleep(network, client, now).map_err(TransferError::Sink)?;
    }
}

/// Polls until both sides have seen the end of the connection, so that the server has nothing to
/// wait for.
fn close(
    network: &mut SimulatedNetwork,
    client: &mut SegmentClient<'_>,
    sink: &mut FileSink,
) -> Result<(), String> {
    let start = network.clock.elapsed();
    loop {
        let now = network.clock.now();
        // No download is under way: this only moves frames.
        if let Poll::Ready(Err(error)) = client.poll(now, sink) {
            return Err(error.to_string());
        }
        network.gateway.poll(now);
        let over = client.is_closed() && !network.gateway.is_busy();
        if over || network.clock.elapsed() - start > CLOSE_TIMEOUT {
            return Ok(());
        }
        sleep(network, client, now)?;
    }
}

fn sleep(
    network: &mut SimulatedNetwork,
    client: &mut SegmentClient<'_>,
    now: Instant,
) -> Result<(), String> {
    let delay = client.poll_delay(now);
    let delay = network.delay(now, delay);
    network.sleep(delay, None)
}

/// The text for the user: what went wrong and what to do about it.
fn explain(error: TransferError<String>, network: &SimulatedNetwork) -> String {
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
