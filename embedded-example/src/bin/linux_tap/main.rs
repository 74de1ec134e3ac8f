//! The device's stack on a real TAP, the kernel's own TCP at the other end.
//!
//! Without arguments it makes a network of its own to run in, serves a generated file there, fetches it
//! and compares: no set-up, no privileges, nothing left behind. With `--tap` it uses a TAP that exists.

mod args;
mod device;
mod failure;
#[path = "../common/hash.rs"]
mod hash;
mod namespace;
#[path = "../common/served.rs"]
mod served;
mod tap;
#[path = "../common/value.rs"]
mod value;

use std::fmt;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use clap::Parser as _;
use fetchlet::{Filename, IfExists, Staging};
use fetchlet_embedded_example::Config;
use smoltcp::time::Duration;
use smoltcp::wire::{EthernetAddress, Ipv4Cidr};

use args::{Args, Target};
use device::Received;
use failure::Failure;
use hash::{Hasher, Hex};
use served::Served;

/// The network of a run without arguments. Nobody else sees it: it ends with the process.
const TAP: &str = "tap0";
const PREFIX: u8 = 24;
const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 69, 1);
const DEVICE: Ipv4Addr = Ipv4Addr::new(192, 168, 69, 100);

fn main() -> ExitCode {
    let args = Args::parse();
    // The default is silence; RUST_LOG is not asked, so that a run is the same everywhere.
    env_logger::Builder::new().filter_level(args.log_level()).init();
    let done = match args.target() {
        None => compare(&args),
        Some(target) => fetch(&args, &target),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("linux_tap: {failure}");
            failure.exit_code()
        }
    }
}

/// Server and device in a network of their own; done when both have the same bytes.
fn compare(args: &Args) -> Result<(), Failure> {
    tap::check()?;
    let temporary = std::env::temp_dir();
    // Before there is any thread: a user namespace is for processes that have one.
    let namespaces = namespace::enter(&temporary)?;
    let device = tap::create(TAP)?;
    namespace::address(TAP, HOST, PREFIX)?;
    tap::wait_until_running(TAP)?;

    let served = Served::start(HOST, &temporary, args.size, device::seed())
        .map_err(|fault| Failure::Failed(format!("cannot start a server: {fault}")))?;
    let server = served.address();
    say(format_args!("{TAP}: device {DEVICE}, host {HOST}, in {namespaces}"))?;
    let config = config(args, Ipv4Cidr::new(DEVICE, PREFIX));
    let name = Filename::new(Served::FILE).map_err(|fault| Failure::Failed(fault.to_string()))?;
    let memory = device::memory(args.size)?;
    let received = device::fetch(device, &config, args.rx_buffer, name, server, memory)?;

    report(DEVICE, &received)?;
    let (served, received) = (served.sent().sha256(), sha256(&received.data));
    say(format_args!("sha256 served   {served}\nsha256 received {received}"))?;
    if served != received {
        return Err(Failure::Failed("the file is not what was served".into()));
    }
    say(format_args!("equal"))
}

/// The device on a TAP that exists; done when the file is whole.
fn fetch(args: &Args, target: &Target<'_>) -> Result<(), Failure> {
    if let Some(output) = &args.output {
        Staging::check(output, IfExists::Fail)?;
    }
    let server = target.resolve()?;
    tap::check()?;
    let device = tap::attach(target.tap)?;
    tap::wait_until_running(target.tap)?;

    say(format_args!("{}: device {}", target.tap, target.address.address()))?;
    let config = Config { gateway: args.gateway, ..config(args, target.address) };
    let name = target.name.clone();
    let received = device::fetch(device, &config, args.rx_buffer, name, server, Vec::new())?;

    report(target.address.address(), &received)?;
    say(format_args!("sha256 {}", sha256(&received.data)))?;
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
    let seed = device::seed();
    // Locally administered, and another one at each run: several devices may share a bridge.
    let [a, b, c, d, e, ..] = seed.to_be_bytes();
    Config {
        hardware: EthernetAddress([0x02, a, b, c, d, e]),
        address,
        gateway: None,
        seed,
        timeout: args.timeout.into(),
        // A small window is full before a delay is over; a large one saves acknowledgements by it.
        ack_delay: (args.rx_buffer >= 16 * 1024).then_some(Duration::from_millis(10)),
    }
}

fn say(what: fmt::Arguments<'_>) -> Result<(), Failure> {
    let said = writeln!(io::stdout(), "{what}");
    said.map_err(|fault| Failure::Failed(format!("cannot write to stdout: {fault}")))
}

fn report(device: Ipv4Addr, received: &Received) -> Result<(), Failure> {
    let Received { data, elapsed, server } = received;
    let rate = data.len() as f64 / elapsed.as_secs_f64();
    let bytes = data.len();
    say(format_args!("{device} fetched {bytes} bytes from {server} in {elapsed:.3?}"))?;
    say(format_args!("{:.1} MiB/s, {:.2} Gbit/s", rate / f64::from(1 << 20), rate * 8e-9))
}

fn sha256(data: &[u8]) -> Hex {
    let mut hasher = Hasher::default();
    hasher.update(data);
    hasher.sha256()
}
