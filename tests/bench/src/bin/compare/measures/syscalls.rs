//! Counts system calls per request by strace: a figure that is the same on every machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use fetchlet_test_kit::{ChildProcess, PATIENCE, readable};
use rustix::process::Signal;

use super::measure::Measure;
use crate::competitors::{self, Competitor, CompetitorServer};
use crate::files::TestFile;
use crate::goal::Goal;
use crate::load::Until;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const ONE: &str = "calls per request, 1 client";
const MANY: &str = "calls per request, 32 clients";

/// The fewest calls that can answer a request: accept, read, open, send, close. A lower count means
/// that strace missed some.
const LEAST: f64 = 5.0;
/// How often a count is tried: in practice the second attempt succeeds.
const MAX_ATTEMPTS: u32 = 3;

pub(super) const SYSCALLS: Measure = Measure {
    name: "syscalls",
    about: "system calls per 1 KiB request",
    goals: &[Goal::at_most(MANY, "fetchlet").must(10.2).aim(8.3)],
    run,
};

fn run(setting: &Setting, readings: &mut Readings) -> Result<()> {
    let strace = match setting.tools.get("strace") {
        Ok(strace) => strace,
        Err(reason) => {
            readings.leave_out("all", &reason);
            return Ok(());
        }
    };
    let file = setting.small()?;
    let competitors = [Competitor::Fetchlet, Competitor::Nginx, Competitor::Raw];
    let servers = competitors::start(&competitors, setting, &file, readings)?;
    setting.rounds(&servers, |server| {
        for (quantity, clients) in [(ONE, 1), (MANY, 32)] {
            let each = count(strace, server, &file, clients, setting)?;
            readings.add(quantity, server.name(), each);
        }
        Ok(())
    })
}

/// Returns the number of system calls per request.
fn count(
    strace: &Path,
    server: &CompetitorServer,
    file: &TestFile,
    clients: usize,
    setting: &Setting,
) -> Result<f64> {
    let (requests, summary) = (setting.sizes.traced, setting.out());
    let mut each = 0.0;
    // strace sometimes fails to attach to the thread that does the work.
    for _ in 0..MAX_ATTEMPTS {
        let counting = Counting::start(strace, server, &summary)?;
        server.ask(std::slice::from_ref(file), clients, Until::Requests(requests))?;
        each = counting.stop()? / requests as f64;
        if each >= LEAST {
            return Ok(each);
        }
    }
    Err(format!("strace saw {each} calls per request").into())
}

/// A running strace that counts the calls of all of a server's threads.
struct Counting<'a> {
    running: ChildProcess,
    summary: &'a Path,
}

impl<'a> Counting<'a> {
    /// Starts strace, and returns once it is attached to every process.
    fn start(strace: &Path, server: &CompetitorServer, summary: &'a Path) -> Result<Self> {
        let processes = server.processes()?;
        let mut command = Command::new(strace);
        command.args(["-c", "-f", "-o"]).arg(summary).stdin(Stdio::null()).stderr(Stdio::piped());
        for pid in &processes {
            command.arg("-p").arg(pid.to_string());
        }
        let mut running = ChildProcess::start(&mut command)?;
        let mut said = BufReader::new(running.stderr()?);
        for _ in &processes {
            let mut line = String::new();
            if said.buffer().is_empty() && !readable(said.get_ref(), PATIENCE)? {
                return Err("strace does not attach".into());
            }
            said.read_line(&mut line)?;
            if !line.contains("attached") {
                return Err(format!("strace: {line}").into());
            }
        }
        Ok(Self { running, summary })
    }

    fn stop(mut self) -> Result<f64> {
        self.running.signal(Signal::INT)?;
        // strace ends by the signal, which is no failure.
        self.running.wait(PATIENCE)?.ok_or("strace does not end")?;
        let summary = fs::read_to_string(self.summary)?;
        fs::remove_file(self.summary)?;
        calls(&summary).ok_or_else(|| format!("strace: no total in {summary}").into())
    }
}

/// Returns the fourth column of the line with the total.
fn calls(summary: &str) -> Option<f64> {
    let total = summary.lines().rev().find(|line| line.trim_end().ends_with(" total"))?;
    total.split_ascii_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_with_and_without_errors() {
        let rule = "------ ----------- ----------- --------- --------- ----------------\n";
        let line = " 60.00    0.000060           3        20           accept4\n";
        let with =
            format!("{line}{rule}100.00    0.000100           1        87         4 total\n");
        assert_eq!(calls(&with), Some(87.0));
        let without =
            format!("{line}{rule}100.00    0.000100           1        20           total\n");
        assert_eq!(calls(&without), Some(20.0));
        assert_eq!(calls(line), None);
    }
}
