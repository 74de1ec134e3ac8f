//! Defines the command-line options of `lossy`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::direction::Impairments;
use crate::downloaders::Downloader;

#[derive(Clone, Debug, Parser)]
#[command(about = "Time downloads over links that delay and lose")]
pub(crate) struct Args {
    /// Round-trip times, in milliseconds
    #[arg(long, value_delimiter = ',', default_values_t = [0, 50, 200])]
    pub(crate) rtt: Vec<u64>,
    /// Frames lost each way, in per cent
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 1.0, 5.0])]
    pub(crate) loss: Vec<f64>,
    /// The rate of the link, in Mbit/s
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) rate: u64,
    /// How long a frame may wait for its turn before the queue overflows, in milliseconds
    #[arg(long, default_value_t = 100)]
    pub(crate) queue: u64,
    /// The length of the file, in bytes
    #[arg(long, default_value_t = 512 * 1024, value_parser = clap::value_parser!(u64).range(..=64 << 20))]
    pub(crate) size: u64,
    /// How often each download is done by TCP; by TFTP it is done once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// How long a download may take, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) limit: u64,
    /// How many links there are at a time
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) jobs: u8,
    /// What decides which frames are lost
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Only these downloaders
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Downloader>,
    /// Write the table there as JSON, too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Converts a round-trip time in milliseconds, a loss in per cent, a rate in Mbit/s and a queue in
/// milliseconds to the impairments of one direction.
pub(crate) fn impairments(rtt: u64, loss: f64, rate: u64, queue: u64) -> Impairments {
    let delay = Duration::from_millis(rtt) / 2;
    Impairments { delay, loss, rate: rate * 1_000_000, queue: Duration::from_millis(queue) }
}
