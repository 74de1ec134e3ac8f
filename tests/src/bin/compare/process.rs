//! A program that runs beside this one, never for longer than it is wanted.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::{Result, guard};

/// Far more than any program here takes to start or to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A child with its whole process group; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child =
            guard::spawn(command).map_err(|e| format!("{:?}: {e}", command.get_program()))?;
        Ok(Self { child, ended: false })
    }

    /// Starts a server, and gives the first line of its stdout: where it listens.
    pub(crate) fn announced(command: &mut Command) -> Result<(Self, String)> {
        let mut running = Self::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let stdout = running.child.stdout.take().ok_or("no stdout")?;
        let line = first_line(stdout).map_err(|e| format!("{:?}: {e}", command.get_program()))?;
        Ok((running, line))
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // One that has ended needs none.
        kill_process(self.pid(), signal).ok();
    }

    /// Whether it ended with success. Waits without polling, so that the time is its own.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<bool> {
        let pidfd = pidfd_open(self.pid(), PidfdFlags::empty())?;
        if !readable(pidfd, limit)? {
            return Err(format!("not done after {limit:?}").into());
        }
        let status = self.child.wait()?;
        self.ended = true;
        guard::forget(self.pid());
        Ok(status.success())
    }

    /// What it has said on stderr, if that is piped, up to its end.
    pub(crate) fn complaint(&mut self) -> String {
        let mut said = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            stderr.take(4096).read_to_end(&mut said).ok();
        }
        String::from_utf8_lossy(&said).trim_end().to_owned()
    }

    /// Where it says what it does, if that is piped.
    pub(crate) fn stderr(&mut self) -> Result<impl AsFd + Read + use<>> {
        Ok(self.child.stderr.take().ok_or("no stderr")?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            guard::end(&mut self.child);
        }
    }
}

fn first_line(stdout: ChildStdout) -> Result<String> {
    let mut line = String::new();
    // Every server here writes its line at once.
    if readable(&stdout, PATIENCE)? {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    if line.is_empty() {
        return Err("it does not say where it listens".into());
    }
    Ok(line)
}

/// Whether something can be read within `limit`; the end can.
pub(crate) fn readable(fd: impl AsFd, limit: Duration) -> Result<bool> {
    let limit = Timespec::try_from(limit)?;
    Ok(poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit))? > 0)
}

/// How long the whole program takes, from the decision to start it to its end; an error if it fails.
pub(crate) fn time(command: &mut Command, limit: Duration) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut running = Running::start(command)?;
    let success = running.wait(limit)?;
    let elapsed = started.elapsed();
    if success {
        Ok(elapsed)
    } else {
        Err(format!("{:?} failed: {}", command.get_program(), running.complaint()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_an_error_with_its_words() {
        let error = time(Command::new("sh").args(["-c", "echo no >&2; exit 3"]), PATIENCE);
        assert!(error.unwrap_err().to_string().ends_with("failed: no"));
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let mut running =
            Running::start(Command::new("sh").args(["-c", "sleep 60"]).stdin(Stdio::null()))
                .unwrap();
        let group = running.pid();
        running.wait(Duration::from_millis(20)).unwrap_err();
        drop(running);
        assert!(rustix::process::test_kill_process(group).is_err());
    }

    #[test]
    fn a_server_that_says_nothing_is_an_error() {
        assert!(Running::announced(&mut Command::new("true")).is_err());
    }
}
