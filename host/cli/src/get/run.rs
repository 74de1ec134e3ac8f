//! The command: prepares the target, downloads, and prints the result.

use std::io::ErrorKind;

use fetchlet::{ClientError, Summary};
use indicatif::HumanBytes;

use super::args::Args;
use super::attempt;
use super::target::{Target, TargetError};
use crate::exit_code::ExitCode;
use crate::failure;
use crate::interrupt::Interrupt;
use crate::output::{Chain, eprint_line, print};

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let target = match Target::new(args) {
        Ok(target) => target,
        Err(TargetError::Usage(reason)) => {
            eprint_line(format_args!("{reason}"));
            return ExitCode::Usage;
        }
        Err(TargetError::StdoutClosed) => return ExitCode::BrokenPipe,
        Err(TargetError::Open(error)) => return fail(args, &error),
    };
    let interrupt = match Interrupt::watch() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            eprint_line(format_args!("cannot watch for signals: {error}"));
            return ExitCode::Internal;
        }
    };
    match attempt::retry(args, &target, &interrupt) {
        Ok(summary) => {
            interrupt.ignore();
            succeed(args, &target, summary)
        }
        Err(ClientError::Write(error)) if error.kind() != ErrorKind::BrokenPipe => {
            eprint_line(format_args!(
                "{}: cannot write the data: {error}; that is {target}: check what it is connected to",
                args.file.as_str()
            ));
            ExitCode::WriteFailed
        }
        Err(error) => fail(args, &error),
    }
}

fn succeed(args: &Args, target: &Target, summary: Summary) -> ExitCode {
    if !args.quiet {
        print_summary(args.file.as_str(), target, summary);
    }
    match summary.checksum.filter(|_| args.print_checksum) {
        Some(checksum) => print(format!("{checksum}\n").as_bytes()),
        None => ExitCode::Done,
    }
}

fn fail(args: &Args, error: &ClientError) -> ExitCode {
    let code = failure::exit_code(error);
    if code != ExitCode::BrokenPipe {
        let advice = failure::advice(error);
        eprint_line(format_args!("{}: {}; {advice}", args.file.as_str(), Chain(error)));
    }
    code
}

fn print_summary(name: &str, target: &Target, summary: Summary) {
    let Summary { len, elapsed, .. } = summary;
    let rate = HumanBytes((f64::from(len) / elapsed.as_secs_f64().max(1e-9)) as u64);
    eprint_line(format_args!("{name}: {len} bytes to {target} in {elapsed:.1?}, {rate}/s"));
}
