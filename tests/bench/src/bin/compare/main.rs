//! Compares fetchlet with other programs on the same work in the same run: `cargo run --release -p
//! fetchlet-bench --bin compare`. Every competitor has one turn per round, in rotating order. The
//! program prints medians, and the medians and quartiles of the ratios within a round. Traffic
//! stays on the loopback of a network namespace of the program's own, and no process or file
//! outlives the program.

mod args;
mod competitors;
mod congestion;
mod files;
mod goal;
mod load;
mod machine;
mod measures;
mod program;
mod readings;
mod report;
mod result;
mod setting;
mod stats;
mod table;
mod tools;

use std::fs;
use std::process::ExitCode;

use clap::Parser;
use fetchlet_test_kit::clean_up_on_signals;
use fetchlet_test_kit::usage::Work;

use args::{Args, Hidden};
use congestion::CongestionControl;
use measures::Measure;
use report::{ComparisonReport, Section};
use result::Result;
use setting::Setting;

fn main() -> ExitCode {
    let args = Args::parse();
    let ended = match &args.hidden {
        Some(Hidden::Raw { file }) => competitors::raw::serve(file).map(|never| match never {}),
        None if args.list => {
            list();
            Ok(true)
        }
        None => run(&args),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for measure in measures::ALL {
        println!("{:14} {}", measure.name, measure.about);
    }
}

/// Runs the measures and prints the report. Returns whether every measure worked.
fn run(args: &Args) -> Result<bool> {
    let chosen = chosen(&args.only)?;
    // Cargo runs outside the namespace, inside which no registry can be reached.
    let program = match &args.program {
        Some(program) => program.canonicalize()?,
        None => program::find()?,
    };
    let congestion = CongestionControl::enter(&args.congestion)?;
    clean_up_on_signals()?;
    let setting = Setting::new(args, program, congestion)?;
    let mut report = ComparisonReport::new(args, &setting);
    for measure in chosen {
        eprintln!("{}: {}", measure.name, measure.about);
        let before = Work::now()?;
        let section = Section::run(measure, &setting);
        report.add(section.beside(before.others_since()?));
    }
    let markdown = table::markdown(&report);
    println!("{markdown}");
    if let Some(path) = &args.markdown {
        fs::write(path, &markdown)?;
    }
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_string_pretty(&report.json())? + "\n")?;
    }
    let faults = report.faults();
    for fault in &faults {
        eprintln!("failed: {fault}");
    }
    Ok(faults.is_empty())
}

fn chosen(only: &[String]) -> Result<Vec<&'static Measure>> {
    if let Some(unknown) = only.iter().find(|name| measures::ALL.iter().all(|it| it.name != **name))
    {
        return Err(format!("no such measure: {unknown}; --list tells them").into());
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    Ok(measures::ALL.iter().filter(|it| wanted(it.name)).collect())
}
