//! The command line of `simulated`.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use fetchlet_embedded_example::{option_value as value, resolve};
use fetchlet_segment::LinkConditions;

/// A device fetches a file over a simulated network, from a real server.
///
/// Without arguments it shows the whole system: it generates a file, serves it on a loopback port,
/// fetches it with the client for devices on a network stack of its own, and compares the two.
/// It exits with 0 if they are equal, 1 if not or if there is no file, 2 for a wrong command line.
#[derive(Debug, Parser)]
#[command(name = "simulated", version)]
pub(crate) struct Args {
    /// Fetch FILE from this server instead of one of our own
    #[arg(long, num_args = 3, value_names = ["HOST", "PORT", "FILE"], conflicts_with = "size")]
    server: Option<Vec<String>>,
    /// Keep the file under this name, once it is whole
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Bytes to generate and fetch; K, M and G stand for KiB, MiB and GiB [default: 1M]
    #[arg(long, value_name = "BYTES", default_value = "1M", hide_default_value = true,
        value_parser = value::file_size)]
    pub(crate) size: u32,
    /// Lose so many of a hundred frames
    #[arg(long, value_name = "PCT", default_value_t = 0, value_parser = percent())]
    drop: u8,
    /// Flip a bit in so many of a hundred frames
    #[arg(long, value_name = "PCT", default_value_t = 0, value_parser = percent())]
    corrupt: u8,
    /// Limit each direction to so many bytes a second; K, M and G as above
    #[arg(long, value_name = "BYTES", value_parser = rate)]
    rate: Option<NonZeroU64>,
    /// Milliseconds that each frame takes to arrive
    #[arg(long, value_name = "MS", default_value_t = 0,
        value_parser = RangedU64ValueParser::<u64>::new().range(0..=60_000))]
    latency: u64,
    /// Which frames are lost or damaged, and which file is generated
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The longest IP packet on the segment
    #[arg(long, value_name = "BYTES", default_value_t = 1500,
        value_parser = RangedU64ValueParser::<u16>::new().range(128..=1500))]
    mtu: u16,
    /// What the device has to receive into: its TCP window
    #[arg(long, value_name = "BYTES", default_value = "16K", value_parser = value::window)]
    pub(crate) rx_buffer: usize,
    /// Give up if the server moves nothing, or the name service does not answer, for so long
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = value::duration)]
    pub(crate) timeout: Duration,
    /// Write the frames that the device saw to this file, for Wireshark; it is overwritten
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
    /// The device is outside, QEMU say: its frames come as datagrams to the unix socket LOCAL, and
    /// go to REMOTE. Ends when its connection does
    #[arg(long, num_args = 2, value_names = ["LOCAL", "REMOTE"],
        conflicts_with_all = ["output", "rx_buffer"])]
    wire: Option<Vec<PathBuf>>,
    /// Show on stderr what the network stacks do
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

impl Args {
    /// The server of `--server` and the name of its file; `None` without the option.
    pub(crate) fn server(&self) -> Result<Option<(SocketAddr, String)>, String> {
        let Some([host, port, file]) = self.server.as_deref() else { return Ok(None) };
        let Ok(port @ 1024..=64000) = port.parse::<u16>() else {
            usage("--server: a port is a number from 1024 to 64000 (R16)");
        };
        if let Err(error) = fetchlet::Filename::<1024>::new(file) {
            usage(&format!("--server: the name of the file: {error}"));
        }
        let found = resolve(host, port, self.timeout)
            .map_err(|error| format!("cannot find {}: {error}", host.escape_debug()))?;
        // The gateway tries one address; servers listen on IPv4 unless told otherwise.
        let first = found.iter().find(|it| it.is_ipv4()).or(found.first()).copied();
        let addr = first.ok_or_else(|| format!("{} has no address", host.escape_debug()))?;
        Ok(Some((addr, file.clone())))
    }

    /// The unix sockets of `--wire`: this program's and the external device's.
    pub(crate) fn wire(&self) -> Option<(&PathBuf, &PathBuf)> {
        match self.wire.as_deref() {
            Some([own, peer]) => Some((own, peer)),
            _ => None,
        }
    }

    /// The longest packet behind an Ethernet header, in bytes.
    pub(crate) fn mtu(&self) -> usize {
        self.mtu.into()
    }

    /// The properties of the cable, the same in both directions.
    pub(crate) fn conditions(&self) -> LinkConditions {
        LinkConditions {
            rate: self.rate,
            latency: smoltcp::time::Duration::from_millis(self.latency),
            drop: self.drop,
            corrupt: self.corrupt,
            seed: self.seed,
            ..LinkConditions::default()
        }
    }
}

/// Ends the program with a usage error, as clap does, for a check that clap can't make.
fn usage(message: &str) -> ! {
    use clap::CommandFactory;
    Args::command().error(clap::error::ErrorKind::ValueValidation, message).exit()
}

fn percent() -> RangedU64ValueParser<u8> {
    RangedU64ValueParser::new().range(0..=100)
}

fn rate(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(value::bytes(text)?).ok_or_else(|| "nothing would ever arrive".into())
}
