//! Repeats one operation: `NAME TIMES`. The script `instructions` in this folder runs this program
//! and counts its instructions under callgrind.

mod operations;

use std::env;
use std::process::ExitCode;

use operations::OPERATIONS;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, times] = &arguments[..] else { return usage() };
    let operation = OPERATIONS.iter().find(|(known, _)| known == name);
    let (Some((_, operation)), Ok(times)) = (operation, times.parse::<u32>()) else {
        return usage();
    };
    for _ in 0..times {
        operation();
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: NAME TIMES, where NAME is one of:");
    for (name, _) in OPERATIONS {
        eprintln!("  {name}");
    }
    ExitCode::from(2)
}
