//! The device outside: frames come and go as unix datagrams, and this is only its network.

use std::os::fd::AsFd;
use std::path::Path;

use fetchlet_embedded_example::link::{Datagram, patch};
use smoltcp::time::Duration;

use crate::Source;
use crate::args::Args;
use crate::network::{GATEWAY, Network};
use crate::report;

/// Serves the device's first connection: whether both sides have ended it in order.
pub(crate) fn run(args: &Args, source: &Source, own: &Path, peer: &Path) -> Result<bool, String> {
    let mut outside = Datagram::bind(own, peer).map_err(|error| {
        format!("cannot bind {}: {error}; remove what is there, or choose another", own.display())
    })?;
    let (mut network, mut port) = Network::new(args, source)?;
    report::ready(GATEWAY, source).map_err(report::unwritten)?;
    loop {
        let now = network.clock.now();
        patch(&mut outside, &mut port, now);
        network.gateway.poll(now);
        patch(&mut port, &mut outside, now);
        let served = network.gateway.served();
        if served.finished + served.broken > 0 && !network.gateway.is_busy() {
            break;
        }
        // Frames that can't leave have arrived, which is no reason to spin.
        let retry = outside.is_blocked().then_some(Duration::from_millis(1));
        let delay = retry.unwrap_or_else(|| network.delay(now, None));
        network.sleep(delay, Some(outside.as_fd()))?;
    }
    drain(&mut network, &mut port, &mut outside)?;
    network.finish(args)?;
    report::segment(&network.monitor).map_err(report::unwritten)?;
    if let Some(error) = network.gateway.error() {
        return Err(format!(
            "behind the gateway: {error}; check that the server runs and its port"
        ));
    }
    Ok(network.gateway.served().broken == 0)
}

/// The last frames reach the device: the end of the connection, or the reset.
fn drain<D: smoltcp::phy::Device>(
    network: &mut Network,
    port: &mut D,
    outside: &mut Datagram,
) -> Result<(), String> {
    let end = network.clock.now() + Duration::from_millis(200);
    loop {
        let now = network.clock.now();
        patch(outside, port, now);
        network.gateway.poll(now);
        patch(port, outside, now);
        if now >= end {
            return Ok(());
        }
        let retry = outside.is_blocked().then_some(Duration::from_millis(1));
        let delay = retry.unwrap_or_else(|| network.delay(now, Some(end - now)));
        network.sleep(delay, Some(outside.as_fd()))?;
    }
}
