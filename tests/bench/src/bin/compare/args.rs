//! Defines the command-line options of `compare`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, value_parser};

/// Compare fetchlet with nginx, curl, TFTP and simple servers on this machine, over loopback.
///
/// A program that is not installed is left out, and the report says so.
#[derive(Debug, Parser)]
#[command(name = "compare")]
pub(crate) struct Args {
    /// Only these measures
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// How often each competitor has its turn
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = value_parser!(u32).range(1..=99))]
    pub(crate) rounds: u32,
    /// How long each load of small requests lasts, in seconds
    #[arg(long, value_name = "S", default_value = "2", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Where served files are made, in a folder of its own; cold reads need a disk there [default:
    /// cargo's target folder]
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Where downloaded files go, in a folder of its own
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    pub(crate) out_dir: PathBuf,
    /// Write the tables to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Write every reading to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Run with small sizes and one round, to see that every measure works
    #[arg(long)]
    pub(crate) quick: bool,
    /// Fail if one of these programs is not installed
    #[arg(long, value_name = "TOOL", value_delimiter = ',')]
    pub(crate) require: Vec<String>,
    /// The program to measure [default: the one in this program's folder, built anew under `cargo
    /// run`]
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// A second build of `fetchlet`, such as the one before a change, to compare with in the same
    /// run
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
    /// TCP's congestion control for all servers and clients, set in a network namespace of the
    /// run's own
    #[arg(long, value_name = "NAME", default_value = "reno")]
    pub(crate) congestion: String,
    /// List the measures and exit
    #[arg(long)]
    pub(crate) list: bool,
    #[command(subcommand)]
    pub(crate) hidden: Option<Hidden>,
}

/// Subcommands with which this program starts itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Hidden {
    /// Serve one file by the simplest loop there is
    #[command(hide = true)]
    Raw { file: PathBuf },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=60.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("not from 0.01 to 60".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_load_that_never_ends_is_refused() {
        for text in ["0", "61", "inf", "NaN", "-1", "x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
    }
}
