//! Times downloads over links that delay and lose frames: by fetchlet, curl and TFTP on the same
//! link, one after another, with the kernel's TCP and UDP at both ends.
//!
//! A link is two TAPs in network namespaces of the program's own, and a relay between them. So the
//! program needs no `tc netem`, which some kernels lack, and no frame leaves the namespaces. Exit
//! code 1: a download by fetchlet was not whole. 69: the system refuses such namespaces.

mod cell;
mod competitors;
mod direction;
mod link;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum as _};
use fetchlet_test_kit::{Table, namespace, watch};

use competitors::Competitor;
use direction::Conditions;
use link::Link;

#[derive(Clone, Debug, Parser)]
#[command(about = "Time downloads over links that delay and lose")]
struct Args {
    /// Round-trip times, in milliseconds
    #[arg(long, value_delimiter = ',', default_values_t = [0, 50, 200])]
    rtt: Vec<u64>,
    /// Frames lost each way, in per cent
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 1.0, 5.0])]
    loss: Vec<f64>,
    /// The rate of the link, in Mbit/s
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rate: u64,
    /// How long a frame may wait for its turn before the queue overflows, in milliseconds
    #[arg(long, default_value_t = 100)]
    queue: u64,
    /// The length of the file, in bytes
    #[arg(long, default_value_t = 512 * 1024, value_parser = clap::value_parser!(u64).range(..=64 << 20))]
    size: u64,
    /// How often each download is done by TCP; by TFTP it is done once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long a download may take, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    limit: u64,
    /// How many links there are at a time
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// What decides which frames are lost
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these competitors
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Competitor>,
    /// Write the table there as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // The system refuses user namespaces to a program with a second thread, so this call comes
    // first.
    if let Err(error) = namespace::become_root().and_then(|()| try_link()) {
        eprintln!("lossy: {error}");
        return ExitCode::from(69);
    }
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lossy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Fails if the system refuses links.
fn try_link() -> io::Result<()> {
    let perfect = conditions(0, 0.0, 1000, 100);
    Link::new(perfect, 0)?.end().map(drop)
}

fn conditions(rtt: u64, loss: f64, rate: u64, queue: u64) -> Conditions {
    let delay = Duration::from_millis(rtt) / 2;
    Conditions { delay, loss, rate: rate * 1_000_000, queue: Duration::from_millis(queue) }
}

/// Prints the table, and returns whether every download by `fetchlet get` was whole.
fn run(args: &Args) -> io::Result<bool> {
    watch()?;
    let here = competitors(args);
    let mut table = vec!["RTT, ms".to_owned(), "loss each way".to_owned()];
    table.extend(here.iter().map(|one| one.name().into()));
    table.extend(["frames lost".into(), "overflowed".into()]);
    let mut table = Table::new(table);
    let cells: Vec<_> =
        args.rtt.iter().flat_map(|rtt| args.loss.iter().map(move |loss| (*rtt, *loss))).collect();
    let mut whole = true;
    for some in cells.chunks(args.jobs.into()) {
        for row in cell::rows(args, &here, some)? {
            whole &= row.whole;
            table.push(row.cells);
        }
    }
    println!(
        "Seconds, median of {}, for {} bytes over {} Mbit/s:\n",
        args.rounds, args.size, args.rate
    );
    print!("{table}");
    if let Some(path) = &args.json {
        fs::write(path, format!("{:#}\n", table.json()))?;
    }
    Ok(whole)
}

/// Returns the competitors that are asked for and installed.
fn competitors(args: &Args) -> Vec<Competitor> {
    let mut here = Competitor::value_variants().to_vec();
    here.retain(|one| args.only.is_empty() || args.only.contains(one));
    here.retain(|one| {
        let missing = one.lacks();
        if let Some(missing) = missing {
            eprintln!("left out: {}: {missing} is missing", one.name());
        }
        missing.is_none()
    });
    here
}
