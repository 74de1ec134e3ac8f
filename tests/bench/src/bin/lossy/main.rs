//! Times downloads over links that delay and lose frames: by fetchlet, curl and TFTP on the same
//! link, one after another, with the kernel's TCP and UDP at both ends.
//!
//! A link is two TAPs in network namespaces of the program's own, and a relay between them. So the
//! program needs no `tc netem`, which some kernels lack, and no frame leaves the namespaces. Exit
//! code 1: a download by fetchlet was not whole. 69: the system refuses such namespaces.

mod args;
mod cell;
mod direction;
mod downloaders;
mod link;

use std::fs;
use std::io;
use std::process::ExitCode;

use clap::{Parser, ValueEnum as _};
use fetchlet_test_kit::{Table, clean_up_on_signals, namespace};

use args::{Args, impairments};
use downloaders::Downloader;
use link::Link;

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
    let perfect = impairments(0, 0.0, 1000, 100);
    Link::new(perfect, 0)?.end().map(drop)
}

/// Prints the table, and returns whether every download by `fetchlet get` was whole.
fn run(args: &Args) -> io::Result<bool> {
    clean_up_on_signals()?;
    let here = downloaders(args);
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

/// Returns the downloaders that are asked for and installed.
fn downloaders(args: &Args) -> Vec<Downloader> {
    let mut here = Downloader::value_variants().to_vec();
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
