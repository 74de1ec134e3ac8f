//! The program `fetchlet`: `serve` a folder, `get` a file. Parse, run, print, exit.

mod background_writer;
mod command;
mod exit_code;
mod failure;
mod get;
mod inherited;
mod interrupt;
mod log;
mod output;
mod progress;
mod serve;
mod usage;
mod value;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run().into()
}
