//! The run of a whole program, timed from its start to its end.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::child_process::ChildProcess;

/// How the run of a whole program ended.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a run that is not handled is a lost measurement")]
pub enum RunResult {
    /// Exit code 0, this long after the program was started.
    Success(Duration),
    /// Another exit code, or a signal, with what the program wrote to stderr.
    Failed(String),
    /// The program did not end within the limit and was killed.
    TimedOut,
}

/// Runs a program from its start to its end, for at most `limit`.
///
/// # Errors
///
/// If the program can't be started.
pub fn run_timed(command: &mut Command, limit: Duration) -> io::Result<RunResult> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut process = ChildProcess::start(command)?;
    let status = process.wait(limit)?;
    let elapsed = started.elapsed();
    Ok(match status {
        Some(status) if status.success() => RunResult::Success(elapsed),
        Some(_) => RunResult::Failed(process.stderr_to_end()),
        None => RunResult::TimedOut,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child_process::PATIENCE;
    use crate::programs::bare;

    #[test]
    fn a_program_that_fails_is_told_with_its_words() {
        let ended = run_timed(bare("sh").args(["-c", "echo no >&2; exit 3"]), PATIENCE).unwrap();
        assert!(matches!(&ended, RunResult::Failed(said) if said == "no"), "{ended:?}");
    }

    #[test]
    fn a_run_that_takes_too_long_is_told() {
        let late = run_timed(bare("sleep").arg("60"), Duration::from_millis(20)).unwrap();
        assert!(matches!(late, RunResult::TimedOut), "{late:?}");
    }
}
