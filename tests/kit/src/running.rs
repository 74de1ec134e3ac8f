//! A program that runs beside this one, never for longer than it is wanted.

use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::guard;

/// Far more than any program here takes to start or to end.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A child, and under [`watch`](crate::watch) its whole process group; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// The system's, with the program's name.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let child = guard::spawn(command).map_err(|error| named(command, &error))?;
        Ok(Self { child, ended: false })
    }

    /// Starts a server, and gives the first line of its stdout: where it listens.
    ///
    /// # Errors
    ///
    /// If it says none, with what it says on stderr, if that is piped.
    pub fn announced(command: &mut Command) -> io::Result<(Self, String)> {
        let mut running = Self::start(command.stdout(Stdio::piped()))?;
        match running.child.stdout.as_mut().map_or(Ok(String::new()), first_line) {
            Ok(line) if !line.is_empty() => Ok((running, line)),
            said => {
                running.kill();
                let why = said.map(|_| "it does not say where it listens".to_owned());
                let why = why.unwrap_or_else(|error| error.to_string());
                let why = format!("{why}: {}", running.complaint());
                Err(named(command, &io::Error::other(why)))
            }
        }
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// If it has ended, and was waited for.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.ended {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(kill_process(self.pid(), signal)?)
    }

    /// How it ended; `None` if it has not within `limit`. Waits without polling, so that the time is its
    /// own.
    ///
    /// # Errors
    ///
    /// If it was waited for already.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let pidfd = pidfd_open(self.pid(), PidfdFlags::empty())?;
        if !readable(pidfd, limit)? {
            return Ok(None);
        }
        let status = self.child.wait()?;
        self.ended = true;
        guard::forget(self.pid());
        Ok(Some(status))
    }

    /// What it has said on stderr, if that is piped, up to its end.
    pub fn complaint(&mut self) -> String {
        let mut said = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_end(&mut said).ok();
        }
        String::from_utf8_lossy(&said).trim_end().to_owned()
    }

    /// Where it says what it does.
    ///
    /// # Errors
    ///
    /// If that is not piped, or was taken.
    pub fn stderr(&mut self) -> io::Result<ChildStderr> {
        self.child.stderr.take().ok_or_else(|| io::Error::other("no stderr"))
    }

    /// Where it says what it is asked for.
    ///
    /// # Errors
    ///
    /// If that is not piped, or was taken.
    pub fn stdout(&mut self) -> io::Result<ChildStdout> {
        self.child.stdout.take().ok_or_else(|| io::Error::other("no stdout"))
    }

    fn kill(&mut self) {
        if !self.ended {
            guard::end(&mut self.child);
            self.ended = true;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Empty if there is none. Every server here writes its line at once.
fn first_line(stdout: &mut ChildStdout) -> io::Result<String> {
    let mut line = String::new();
    if readable(&*stdout, PATIENCE)? {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    Ok(line)
}

/// Whether something can be read within `limit`; the end can.
///
/// # Errors
///
/// The system's.
pub fn readable(fd: impl AsFd, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    Ok(poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit))? > 0)
}

/// How a whole program went.
#[derive(Debug)]
pub enum Ended {
    /// With success, so long after the decision to start it.
    Done(Duration),
    /// With this on stderr.
    Failed(String),
    /// Not in time: it was killed.
    Late,
}

/// Runs a program from its start to its end, for at most `limit`.
///
/// # Errors
///
/// If it can't be started.
pub fn time(command: &mut Command, limit: Duration) -> io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut running = Running::start(command)?;
    let status = running.wait(limit)?;
    let elapsed = started.elapsed();
    Ok(match status {
        Some(status) if status.success() => Ended::Done(elapsed),
        Some(_) => Ended::Failed(running.complaint()),
        None => Ended::Late,
    })
}

fn named(command: &Command, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", command.get_program().display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_fails_is_told_with_its_words() {
        let ended = time(&mut shell("echo no >&2; exit 3"), PATIENCE).unwrap();
        assert!(matches!(&ended, Ended::Failed(said) if said == "no"), "{ended:?}");
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let mut running = Running::start(shell("sleep 60").stdin(Stdio::null())).unwrap();
        let pid = running.pid();
        assert_eq!(running.wait(Duration::from_millis(20)).unwrap(), None);
        drop(running);
        assert!(rustix::process::test_kill_process(pid).is_err());
        let late = time(&mut shell("sleep 60"), Duration::from_millis(20)).unwrap();
        assert!(matches!(late, Ended::Late), "{late:?}");
    }

    #[test]
    fn a_server_that_says_nothing_is_an_error_with_its_complaint() {
        let mut mute = shell("echo no port >&2");
        let error = Running::announced(mute.stderr(Stdio::piped())).unwrap_err().to_string();
        assert_eq!(error, "sh: it does not say where it listens: no port");
    }
}
