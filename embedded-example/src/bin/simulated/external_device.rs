//! A device outside of this process: its frames come and go as unix datagrams.

use std::os::fd::AsFd;
use std::path::Path;

use fetchlet_segment::{Datagram, patch};
use smoltcp::time::Duration;

use crate::args::Args;
use crate::console;
use crate::network::{GATEWAY, SimulatedNetwork};
use crate::source::Source;

/// The time for the last frames. QEMU on a loaded host has taken frames tens of milliseconds late.
const DRAIN_TIME: Duration = Duration::from_millis(200);

/// Relays the device's first connection. Returns whether both sides have ended it without a reset.
pub(crate) fn run(args: &Args, source: &Source, own: &Path, peer: &Path) -> Result<bool, String> {
    let mut outside = Datagram::bind(own, peer).map_err(|error| {
        format!("cannot bind {}: {error}; remove what is there, or choose another", own.display())
    })?;
    let (mut network, mut port) = SimulatedNetwork::new(args, source)?;
    console::ready(GATEWAY, source).map_err(console::unwritten)?;
    loop {
        let now = network.clock.now();
        patch(&mut outside, &mut port, now);
        network.gateway.poll(now);
        patch(&mut port, &mut outside, now);
        let connections = network.gateway.connections();
        if connections.finished + connections.broken > 0 && !network.gateway.is_busy() {
            break;
        }
        // Frames that can't leave count as arrived; without a pause the loop would spin over them.
        let retry = outside.is_blocked().then_some(Duration::from_millis(1));
        let delay = retry.unwrap_or_else(|| network.delay(now, None));
        network.sleep(delay, Some(outside.as_fd()))?;
    }
    drain(&mut network, &mut port, &mut outside)?;
    network.finish(args)?;
    console::segment(&network.monitor).map_err(console::unwritten)?;
    if let Some(error) = network.gateway.error() {
        return Err(format!(
            "behind the gateway: {error}; check that the server runs and its port"
        ));
    }
    Ok(network.gateway.connections().broken == 0)
}

/// Moves the last frames to the device: the end of the connection, or the reset.
fn drain<D: smoltcp::phy::Device>(
    network: &mut SimulatedNetwork,
    port: &mut D,
    outside: &mut Datagram,
) -> Result<(), String> {
    let deadline = network.clock.now() + DRAIN_TIME;
    loop {
        let now = network.clock.now();
        patch(outside, port, now);
        network.gateway.poll(now);
        patch(port, outside, now);
        if now >= deadline {
            return Ok(());
        }
        let retry = outside.is_blocked().then_some(Duration::from_millis(1));
        let delay = retry.unwrap_or_else(|| network.delay(now, Some(deadline - now)));
        network.sleep(delay, Some(outside.as_fd()))?;
    }
}
