//! What is on the segment: who has which address, the gateway, the capture.

use std::fs::File;
use std::io::BufWriter;
use std::os::fd::BorrowedFd;

use fetchlet_embedded_example::link::{
    Capture, End, Gateway, GatewayConfig, Monitor, WallClock, segment,
};
use smoltcp::phy::{PcapMode, PcapWriter};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};

use crate::Source;
use crate::args::Args;
use crate::interrupt::{Interrupt, NAP};

/// The device.
pub(crate) const DEVICE: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(192, 168, 69, 2), 24);
/// The far end, which answers for the server.
pub(crate) const GATEWAY: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(192, 168, 69, 1), 24);

pub(crate) const DEVICE_HARDWARE: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);
const GATEWAY_HARDWARE: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

/// A segment with its gateway; the other end is the device's, whatever that is.
pub(crate) struct Network {
    pub(crate) gateway: Gateway<End>,
    /// What the device sends is what this monitor calls sent.
    pub(crate) monitor: Monitor,
    pub(crate) clock: WallClock,
    capture: Capture,
    interrupt: Interrupt,
}

impl Network {
    /// Builds it; the end that is left is the device's.
    pub(crate) fn new(
        args: &Args,
        source: &Source,
    ) -> Result<(Self, PcapWriter<End, Capture>), String> {
        let interrupt = Interrupt::install();
        let interrupt = interrupt.map_err(|error| format!("cannot catch signals: {error}"))?;
        let clock = WallClock::start();
        let (near, far) = segment(args.mtu(), args.conditions(), args.conditions());
        let config = GatewayConfig {
            hardware: GATEWAY_HARDWARE,
            address: GATEWAY,
            port: source.server.port(),
            server: source.server,
            seed: clock.now().total_micros() as u64,
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
        Ok((Self { gateway, monitor, clock, capture, interrupt }, device))
    }

    /// How long to sleep: until the first of these, the gateway's own and the next arrival.
    pub(crate) fn delay(&mut self, now: Instant, others: Option<Duration>) -> Duration {
        let until = |at: Instant| if at > now { at - now } else { Duration::ZERO };
        let arrival = self.monitor.next_arrival().map(until);
        let delays = [arrival, self.gateway.poll_delay(now), others];
        delays.into_iter().flatten().min().unwrap_or(NAP)
    }

    /// Sleeps for that long, or until the server has something, or `also` can be read.
    pub(crate) fn sleep(
        &self,
        delay: Duration,
        also: Option<BorrowedFd<'_>>,
    ) -> Result<(), String> {
        self.interrupt.check()?;
        if delay == Duration::ZERO {
            return Ok(());
        }
        let waited = self.gateway.wait(Some(delay.min(NAP)), also);
        waited.map_err(|error| format!("cannot wait: {error}"))
    }

    /// Whether the capture is on the disk.
    pub(crate) fn finish(&self, args: &Args) -> Result<(), String> {
        let path = args.pcap.as_deref().unwrap_or("".as_ref()).display();
        self.capture.finish().map_err(|error| format!("cannot write {path}: {error}"))
    }
}
