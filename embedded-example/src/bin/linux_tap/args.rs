//! The command line of `linux_tap`.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory as _, Parser};
use fetchlet::Filename;
use log::LevelFilter;
use smoltcp::wire::Ipv4Cidr;

use crate::failure::Failure;
use fetchlet_embedded_example::{option_value as value, resolve};

/// Fetch a file by a smoltcp stack on a TAP, from a server on the kernel's.
///
/// Without --tap: in a network namespace of its own, from a server of its own, and compare.
#[derive(Debug, Parser)]
#[command(name = "linux_tap", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 69 not possible on this machine."
)]
pub(crate) struct Args {
    /// Bytes of the generated file: 300000, 64K, 16M
    #[arg(long, default_value = "16MiB", value_parser = value::file_size, conflicts_with = "tap")]
    pub(crate) size: u32,
    /// Use this TAP, which exists and is up
    #[arg(long, value_name = "NAME", requires_all = ["address", "server"])]
    tap: Option<String>,
    /// The device's address and prefix length: 192.168.69.100/24
    #[arg(long, value_name = "CIDR", value_parser = cidr, requires = "tap")]
    address: Option<Ipv4Cidr>,
    /// Where to fetch which file
    #[arg(long, num_args = 3, value_names = ["HOST", "PORT", "FILE"], requires = "tap")]
    server: Option<Vec<String>>,
    /// The device's way to other networks
    #[arg(long, value_name = "ADDRESS", requires = "tap")]
    pub(crate) gateway: Option<Ipv4Addr>,
    /// Keep the file under this name, which must be free
    #[arg(short, long, value_name = "FILE", requires = "tap")]
    pub(crate) output: Option<PathBuf>,
    /// How long to wait for a peer that moves nothing, and for the name service
    #[arg(long, default_value = "10s", value_parser = value::duration)]
    pub(crate) timeout: Duration,
    /// The device's receive buffer, which is its TCP window
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = value::window)]
    pub(crate) rx_buffer: usize,
    /// Log what the stack does; twice: each segment
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
}

/// The download that `--tap` asks for.
#[derive(Debug)]
pub(crate) struct TapDownload<'a> {
    pub(crate) tap: &'a str,
    pub(crate) address: Ipv4Cidr,
    pub(crate) name: Filename,
    host: &'a str,
    port: u16,
}

impl Args {
    pub(crate) fn log_level(&self) -> LevelFilter {
        match self.verbose {
            0 => LevelFilter::Off,
            1 => LevelFilter::Debug,
            _ => LevelFilter::Trace,
        }
    }

    /// The download that `--tap` asks for; `None` without the option. Ends the program with a usage
    /// error if the values contradict each other.
    pub(crate) fn download(&self) -> Option<TapDownload<'_>> {
        let (tap, address) = (self.tap.as_deref()?, self.address?);
        let [host, port, name] = self.server.as_deref()? else { return None };
        if tap.is_empty() || tap.len() > 15 {
            usage("--tap: an interface's name has 1 to 15 bytes");
        }
        let port = match port.parse() {
            Ok(port @ 1024..=64000) => port,
            _ => usage("--server: a port is a number from 1024 to 64000 (R16)"),
        };
        let name = Filename::new(name).unwrap_or_else(|fault| usage(&format!("--server: {fault}")));
        Some(TapDownload { tap, address, name, host, port })
    }
}

impl TapDownload<'_> {
    /// The server's address, looked up within `timeout`. The host resolves a name, not the device.
    pub(crate) fn resolve(&self, timeout: Duration) -> Result<SocketAddrV4, Failure> {
        let failed = |why: &str| Failure::Failed(format!("{:?}: {why}", self.host));
        let all = resolve(self.host, self.port, timeout);
        let all = all.map_err(|fault| failed(&fault.to_string()))?;
        let v4 = all.into_iter().find_map(|address| match address {
            SocketAddr::V4(address) => Some(address),
            SocketAddr::V6(_) => None,
        });
        v4.ok_or_else(|| failed("the device speaks IPv4, and this has no such address"))
    }
}

fn usage(text: &str) -> ! {
    Args::command().error(ErrorKind::ValueValidation, text).exit()
}

fn cidr(text: &str) -> Result<Ipv4Cidr, String> {
    let is_host = |address: Ipv4Addr| {
        !address.is_multicast() && !address.is_broadcast() && !address.is_unspecified()
    };
    match text.parse::<Ipv4Cidr>() {
        Ok(cidr) if is_host(cidr.address()) => Ok(cidr),
        _ => Err("an address of a host and a prefix length, for example 192.168.69.100/24".into()),
    }
}
