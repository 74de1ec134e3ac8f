//! The whole system in one process: a device on a simulated Ethernet segment fetches a file from a
//! real server, and the two sides are compared.

mod args;
mod fetch;
#[path = "../common/hash.rs"]
mod hash;
mod interrupt;
mod network;
mod report;
#[path = "../common/served.rs"]
mod served;
mod sink;
#[path = "../common/value.rs"]
mod value;
mod wire;

use std::net::Ipv4Addr;
use std::process::ExitCode;

use clap::Parser;
use fetchlet::{IfExists, Staging};

use args::Args;
use served::Served;

/// What the device is to fetch, and from where.
struct Source {
    server: std::net::SocketAddr,
    file: String,
    /// The server of our own; it lives as long as this.
    own: Option<Served>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.verbose {
        let mut logger = env_logger::Builder::new();
        logger.filter_module("smoltcp", log::LevelFilter::Trace).format_timestamp_micros().init();
    }
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("simulated: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the two sides are equal; an error in words if there are no two sides.
fn run(args: &Args) -> Result<bool, String> {
    if let Some(target) = &args.output {
        if args.pcap.as_ref() == Some(target) {
            return Err("-o and --pcap name the same file; choose two".into());
        }
        let free = Staging::check(target, IfExists::Fail);
        free.map_err(|error| format!("{}; choose another name with -o", sink::chain(&error)))?;
    }
    let source = source(args)?;
    match args.wire() {
        Some((own, peer)) => wire::run(args, &source, own, peer),
        None => fetch::run(args, &source),
    }
}

fn source(args: &Args) -> Result<Source, String> {
    match args.server()? {
        Some((server, file)) => Ok(Source { server, file, own: None }),
        None => {
            let temporary = std::env::temp_dir();
            let own = Served::start(Ipv4Addr::LOCALHOST, &temporary, args.size, args.seed)
                .map_err(|error| format!("cannot start a server of our own: {error}"))?;
            let (server, file) = (own.address().into(), Served::FILE.to_owned());
            Ok(Source { server, file, own: Some(own) })
        }
    }
}
