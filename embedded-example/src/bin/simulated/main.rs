//! The whole system in one process: a device on a simulated Ethernet segment fetches a file from a
//! real server, and the two sides are compared.

mod args;
mod demo;
mod fetch;
mod hash;
mod interrupt;
mod network;
mod report;
mod sink;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use fetchlet::Staging;

use args::Args;
use demo::Demo;

/// What the device is to fetch, and from where.
struct Source {
    server: std::net::SocketAddr,
    file: String,
    /// The server of our own; it lives as long as this.
    demo: Option<Demo>,
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
        let free = Staging::check(target, fetchlet::Existing::Keep);
        free.map_err(|error| format!("{error}; choose another name with -o"))?;
    }
    let source = source(args)?;
    match args.wire() {
        Some((own, peer)) => wire::run(args, &source, own, peer),
        None => fetch::run(args, &source),
    }
}

fn source(args: &Args) -> Result<Source, String> {
    match args.server()? {
        Some((server, file)) => Ok(Source { server, file, demo: None }),
        None => {
            let demo = Demo::start(args.size(), args.seed)
                .map_err(|error| format!("cannot start a server of our own: {error}"))?;
            let (server, file) = (demo.addr(), Demo::FILE.to_owned());
            Ok(Source { server, file, demo: Some(demo) })
        }
    }
}
