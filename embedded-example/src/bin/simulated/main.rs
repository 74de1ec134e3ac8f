//! `simulated`: the whole system in one process. A device on a simulated Ethernet segment fetches a
//! file from a real server, and the program compares the two sides.

mod args;
mod console;
mod external_device;
mod fetch;
mod file_sink;
mod network;
mod signal_flag;
mod source;

use std::process::ExitCode;

use clap::Parser;
use fetchlet::{IfExists, Staging};
use fetchlet_embedded_example::error_chain;

use args::Args;
use source::Source;

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

/// Returns whether the two sides are equal, or a text for the user if the download failed.
fn run(args: &Args) -> Result<bool, String> {
    if let Some(target) = &args.output {
        if args.pcap.as_ref() == Some(target) {
            return Err("-o and --pcap name the same file; choose two".into());
        }
        let free = Staging::check(target, IfExists::Fail);
        free.map_err(|error| format!("{}; choose another name with -o", error_chain(&error)))?;
    }
    let source = Source::new(args)?;
    match args.wire() {
        Some((own, peer)) => external_device::run(args, &source, own, peer),
        None => fetch::run(args, &source),
    }
}
