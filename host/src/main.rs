//! The program `fetchlet`: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    fetchlet::cli::run()
}
