//! Hostile peers and load against the built `fetchlet serve`: measures how much of each the server
//! bears, and checks each figure against its bound.
//!
//! The load is limited in count and time, and to loopback addresses. No process outlives the
//! program, which exits with 1 if a figure is out of its bound.

mod crowd;
mod fleet;
mod greedy;
mod hung;
mod hung_file_system;
mod idle;
mod million;
mod peers;
mod random;
mod report;
mod slow;
mod storm;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use fetchlet_test_kit::clean_up_on_signals;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use report::SoakReport;

#[derive(Debug, Parser)]
#[command(about = "Put fetchlet serve under load and hostile peers")]
struct Args {
    /// Which measures to run [default: all]
    #[arg(value_enum)]
    measures: Vec<SoakMeasure>,
    /// Make the load a tenth or less: all measures together take less than a minute
    #[arg(long)]
    quick: bool,
    /// Also write the table to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SoakMeasure {
    /// 10,000 connections that say nothing
    Idle,
    /// 2,000 slow readers and 500 slow writers
    Slow,
    /// 100,000 connections that are closed at once
    Storm,
    /// 1,000,000 exchanges of every outcome
    Million,
    /// 9,900 devices on slow links that each fetch a mebibyte
    Fleet,
    /// One peer that opens connections without end
    Greedy,
    /// An unread log, and a file system that hangs, beside 1,000 clients
    Hung,
    /// Random bytes, 1,000,000 connections' worth, in this process
    Random,
}

impl SoakMeasure {
    const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Slow => "slow",
            Self::Storm => "storm",
            Self::Million => "million",
            Self::Fleet => "fleet",
            Self::Greedy => "greedy",
            Self::Hung => "hung",
            Self::Random => "random",
        }
    }

    fn run(self, quick: bool, report: &mut SoakReport) -> io::Result<()> {
        match self {
            Self::Idle => idle::run(quick, report),
            Self::Slow => slow::run(quick, report),
            Self::Storm => storm::run(quick, report),
            Self::Million => million::run(quick, report),
            Self::Fleet => fleet::run(quick, report),
            Self::Greedy => greedy::run(quick, report),
            Self::Hung => hung::run(quick, report),
            Self::Random => random::run(quick, report),
        }
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the measures and returns whether every bound was held.
fn run(args: &Args) -> io::Result<bool> {
    clean_up_on_signals()?;
    // Thousands of peers are sockets of this process.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let mut report = SoakReport::new();
    let all = match args.measures.as_slice() {
        [] => SoakMeasure::value_variants(),
        some => some,
    };
    for measure in all {
        let start = Instant::now();
        report.begin(measure.name());
        measure.run(args.quick, &mut report).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", measure.name()))
        })?;
        eprintln!("{}: {:.1} s", measure.name(), start.elapsed().as_secs_f64());
    }
    print!("{}", report.table());
    if let Some(path) = &args.json {
        fs::write(path, format!("{:#}\n", report.json()))?;
    }
    if report.missed() > 0 {
        eprintln!("soak: {} bounds are missed", report.missed());
    }
    Ok(report.missed() == 0)
}
