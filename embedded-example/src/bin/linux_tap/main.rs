//! `linux_tap`: the client on smoltcp fetches a file through a Linux TAP, from the kernel's TCP.
//!
//! Without arguments the program makes a network namespace of its own, serves a generated file
//! there, fetches the file and compares: no set-up, no privileges, nothing left behind. With
//! `--tap` the program uses a TAP that exists.

mod args;
mod device;
mod failure;
mod namespace;
mod tap;
mod tap_device;

use std::fmt;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use clap::Parser as _;
use fetchlet::{Filename, IfExists, Staging};
use fetchlet_embedded_example::{DemoServer, Digests, Hex};
use fetchlet_smoltcp::Config;
use smoltcp::time::Duration;
use smoltcp::wire::{EthernetAddress, Ipv4Cidr};

use args::{Args, TapDownload};
use device::ReceivedFile;
use failure::Failure;

/// The name of the TAP in a run without arguments. The namespace has no other interface.
const TAP: &str = "tap0";
/// The prefix length of the network on that TAP.
const PREFIX: u8 = 24;
/// The host's address on that TAP, in a private network (RFC 1918).
const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 69, 1);
/// The device's address on that TAP.
const DEVICE: Ipv4Addr = Ipv4Addr::new(192, 168, 69, 100);

fn main() -> ExitCode {
    let args = Args::parse();
    // Silent by default; RUST_LOG is ignored, so that a run is the same everywhere.
    env_logger::Builder::new().filter_level(args.log_level()).init();
    let done = match args.download() {
        None => compare(&args),
        Some(download) => fetch(&args, &download),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("linux_tap: {failure}");
            failure.exit_code()
        }
    }
}

/// Runs server and device in a namespace of their own; succeeds if both have the same bytes.
fn compare(args: &Args) -> Result<(), Failure> {
    tap::check()?;
    let temporary = std::env::temp_dir();
    // Before any other thread starts: only a process with one thread may enter a user namespace.
    let namespaces = namespace::enter(&temporary)?;
    let device = tap::create(TAP)?;
    namespace::address(TAP, HOST, PREFIX)?;
    tap::wait_until_running(TAP)?;

    let demo = DemoServer::start(HOST, &temporary, args.size, device::random_seed())
        .map_err(|fault| Failure::Failed(format!("cannot start a server: {fault}")))?;
    let server = demo.address();
    print_line(format_args!("{TAP}: device {DEVICE}, host {HOST}, in {namespaces}"))?;
    let config = config(args, Ipv4Cidr::new(DEVICE, PREFIX));
    let name =
        Filename::new(DemoServer::FILE).map_err(|fault| Failure::Failed(fault.to_string()))?;
    let memory = device::memory(args.size)?;
    let received = device::fetch(device, &config, args.rx_buffer, name, server, memory)?;

    print_rate(DEVICE, &received)?;
    let (served, received) = (demo.digests().sha256(), sha256(&received.data));
    print_line(format_args!("sha256 served   {served}\nsha256 received {received}"))?;
    if served != received {
        return Err(Failure::Failed("the file is not what was served".into()));
    }
    print_line(format_args!("equal"))
}

/// Runs the device on a TAP that exists; succeeds if the file is whole.
fn fetch(args: &Args, download: &TapDownload<'_>) -> Result<(), Failure> {
    if let Some(output) = &args.output {
        Staging::check(output, IfExists::Fail)?;
    }
    let server = download.resolve(args.timeout)?;
    tap::check()?;
    let device = tap::attach(download.tap)?;
    tap::wait_until_running(download.tap)?;

    print_line(format_args!("{}: device {}", download.tap, download.address.address()))?;
    let config = Config { gateway: args.gateway, ..config(args, download.address) };
    let name = download.name.clone();
    let received = device::fetch(device, &config, args.rx_buffer, name, server, Vec::new())?;

    print_rate(download.address.address(), &received)?;
    print_line(format_args!("sha256 {}", sha256(&received.data)))?;
    if let Some(output) = &args.output {
        let mut staging = Staging::create(output)?;
        let written = staging.file().write_all(&received.data);
        written.map_err(|fault| Failure::Failed(format!("{}: {fault}", output.display())))?;
        staging.sync()?;
        staging.commit(IfExists::Fail)?;
    }
    Ok(())
}

fn config(args: &Args, address: Ipv4Cidr) -> Config {
    let random_seed = device::random_seed();
    // Locally administered, and a different one at each run: several devices may share a bridge.
    let [a, b, c, d, e, ..] = random_seed.to_be_bytes();
    Config {
        mac_address: EthernetAddress([0x02, a, b, c, d, e]),
        address,
        gateway: None,
        random_seed,
        timeout: args.timeout.into(),
        // A small window is full before the delay is over; with a large one the delay saves
        // acknowledgements.
        ack_delay: (args.rx_buffer >= 16 * 1024).then_some(Duration::from_millis(10)),
    }
}

fn print_line(what: fmt::Arguments<'_>) -> Result<(), Failure> {
    let said = writeln!(io::stdout(), "{what}");
    said.map_err(|fault| Failure::Failed(format!("cannot write to stdout: {fault}")))
}

fn print_rate(device: Ipv4Addr, received: &ReceivedFile) -> Result<(), Failure> {
    let ReceivedFile { data, elapsed, server } = received;
    let rate = data.len() as f64 / elapsed.as_secs_f64();
    let bytes = data.len();
    print_line(format_args!("{device} fetched {bytes} bytes from {server} in {elapsed:.3?}"))?;
    print_line(format_args!("{:.1} MiB/s, {:.2} Gbit/s", rate / f64::from(1 << 20), rate * 8e-9))
}

fn sha256(data: &[u8]) -> Hex {
    let mut digests = Digests::default();
    digests.update(data);
    digests.sha256()
}
