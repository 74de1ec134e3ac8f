//! The segment with its gateway and its capture, and the addresses on it.

use std::fs::File;
use std::io::BufWriter;
use std::os::fd::BorrowedFd;

use fetchlet_segment::{Capture, Endpoint, Gateway, GatewayConfig, Monitor, WallClock, segment};
use smoltcp::phy::{PcapMode, PcapWriter};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};

use crate::args::Args;
use crate::signal_flag::{MAX_SLEEP, SignalFlag};
use crate::source::Source;

/// The device's address and network, a private one (RFC 1918).
pub(crate) const DEVICE: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(192, 168, 69, 2), 24);
/// The gateway's address on the same network; the gateway answers for the server.
pub(crate) const GATEWAY: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(192, 168, 69, 1), 24);

/// The device's MAC address, a locally administered one.
pub(crate) const DEVICE_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);
/// The gateway's MAC address, a locally administered one.
const GATEWAY_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

/// A segment with a gateway at one end; the other end is the device's.
pub(crate) struct SimulatedNetwork {
    pub(crate) gateway: Gateway<Endpoint>,
    /// Counts the frames of the cable; `sent` are those of the device.
    pub(crate) monitor: Monitor,
    pub(crate) clock: WallClock,
    capture: Capture,
    signal_flag: SignalFlag,
}

impl SimulatedNetwork {
    /// Builds the segment; returns the device's end as well.
    pub(crate) fn new(
        args: &Args,
        source: &Source,
    ) -> Result<(Self, PcapWriter<Endpoint, Capture>), String> {
        let signal_flag = SignalFlag::install();
        let signal_flag = signal_flag.map_err(|error| format!("cannot catch signals: {error}"))?;
        let clock = WallClock::start();
        let (near, far) = segment(args.mtu(), args.conditions(), args.conditions());
        let config = GatewayConfig {
            mac_address: GATEWAY_MAC,
            address: GATEWAY,
            port: source.server.port(),
            server: source.server,
            random_seed: clock.now().total_micros() as u64,
            buffer: 65_536,
            timeout: Duration::from_secs(60),
        };
        let capture = match &args.pcap {
            None => Capture::none(),
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
                Capture::new(BufWriter::new(file))
            }
        };
        let (monitor, gateway) = (near.monitor(), Gateway::new(far, &config, clock.now()));
        let device = PcapWriter::new(near, capture.clone(), PcapMode::Both);
        Ok((Self { gateway, monitor, clock, capture, signal_flag }, device))
    }

    /// The time until the first of: the next arrival of a frame, the gateway's next work, `others`.
    pub(crate) fn delay(&mut self, now: Instant, others: Option<Duration>) -> Duration {
        let until = |at: Instant| if at > now { at - now } else { Duration::ZERO };
        let arrival = self.monitor.next_arrival().map(until);
        let delays = [arrival, self.gateway.poll_delay(now), others];
        delays.into_iter().flatten().min().unwrap_or(MAX_SLEEP)
    }

    /// Sleeps for `delay`, or until the server's side can go on or `also` is readable.
    pub(crate) fn sleep(
        &self,
        delay: Duration,
        also: Option<BorrowedFd<'_>>,
    ) -> Result<(), String> {
        self.signal_flag.check()?;
        if delay == Duration::ZERO {
            return Ok(());
        }
        let waited = self.gateway.wait(Some(delay.min(MAX_SLEEP)), also);
        waited.map_err(|error| format!("cannot wait: {error}"))
    }

    /// Fails if a frame could not be written to the capture.
    pub(crate) fn finish(&self, args: &Args) -> Result<(), String> {
        let path = args.pcap.as_deref().unwrap_or("".as_ref()).display();
        self.capture.finish().map_err(|error| format!("cannot write {path}: {error}"))
    }
}
