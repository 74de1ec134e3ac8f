//! A child process that never outlives the test or benchmark that started it.

use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::cleanup;

/// Longest wait for a program to start, to write a line, or to end: far more than any program here
/// takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A child process, killed when dropped. After [`clean_up_on_signals`](crate::clean_up_on_signals)
/// its whole process group is killed.
#[derive(Debug)]
pub struct ChildProcess {
    child: Child,
    ended: bool,
}

impl ChildProcess {
    /// Starts the program.
    ///
    /// # Errors
    ///
    /// Errors of the system, with the program's name.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let child = cleanup::spawn(command).map_err(|error| named(command, &error))?;
        Ok(Self { child, ended: false })
    }

    /// Starts a server and returns the first line of its stdout, which says where the server
    /// listens.
    ///
    /// # Errors
    ///
    /// If no line comes within [`PATIENCE`]: with what the program wrote to stderr, if that is
    /// piped.
    pub fn announced(command: &mut Command) -> io::Result<(Self, String)> {
        let mut process = Self::start(command.stdout(Stdio::piped()))?;
        match process.child.stdout.as_mut().map_or(Ok(String::new()), first_line) {
            Ok(line) if !line.is_empty() => Ok((process, line)),
            said => {
                process.kill();
                let why = said.map(|_| "it does not say where it listens".to_owned());
                let why = why.unwrap_or_else(|error| error.to_string());
                let why = format!("{why}: {}", process.stderr_to_end());
                Err(named(command, &io::Error::other(why)))
            }
        }
    }

    /// Returns the process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal to the process.
    ///
    /// # Errors
    ///
    /// If the process has ended and was waited for.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.ended {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(kill_process(self.pid(), signal)?)
    }

    /// Waits for the end of the process; returns `None` if it still runs after `limit`. Waits on a
    /// pidfd, not by polling, so that a measured time is the process's own.
    ///
    /// # Errors
    ///
    /// If the process was waited for before.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let pidfd = pidfd_open(self.pid(), PidfdFlags::empty())?;
        if !readable(pidfd, limit)? {
            return Ok(None);
        }
        let status = self.child.wait()?;
        self.ended = true;
        cleanup::forget(self.pid());
        Ok(Some(status))
    }

    /// Waits for the end of the process and returns its exit status and what it wrote to the
    /// streams that are piped.
    ///
    /// # Errors
    ///
    /// `TimedOut` if the process still runs after `limit`; it is then killed.
    pub fn output(mut self, limit: Duration) -> io::Result<Output> {
        let stdout = read_in_background(self.child.stdout.take());
        let stderr = read_in_background(self.child.stderr.take());
        let status = self.wait(limit)?.ok_or(io::ErrorKind::TimedOut)?;
        let [stdout, stderr] =
            [stdout, stderr].map(|it| it.join().unwrap_or_else(|_| unreachable!("it only reads")));
        Ok(Output { status, stdout: stdout?, stderr: stderr? })
    }

    /// Reads the rest of stderr, if that is piped, until the process closes it.
    pub fn stderr_to_end(&mut self) -> String {
        let mut said = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_end(&mut said).ok();
        }
        String::from_utf8_lossy(&said).trim_end().to_owned()
    }

    /// Takes the read end of stderr.
    ///
    /// # Errors
    ///
    /// If stderr is not piped, or was taken before.
    pub fn stderr(&mut self) -> io::Result<ChildStderr> {
        self.child.stderr.take().ok_or_else(|| io::Error::other("no stderr"))
    }

    /// Takes the read end of stdout.
    ///
    /// # Errors
    ///
    /// If stdout is not piped, or was taken before.
    pub fn stdout(&mut self) -> io::Result<ChildStdout> {
        self.child.stdout.take().ok_or_else(|| io::Error::other("no stdout"))
    }

    fn kill(&mut self) {
        if !self.ended {
            cleanup::kill(&mut self.child);
            self.ended = true;
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read_in_background(
    stream: Option<impl Read + Send + 'static>,
) -> thread::JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    })
}

/// Returns the first line, or an empty string if stdout ends or stays silent for [`PATIENCE`].
/// Every server here writes its line in one piece.
fn first_line(stdout: &mut ChildStdout) -> io::Result<String> {
    let mut line = String::new();
    if readable(&*stdout, PATIENCE)? {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    Ok(line)
}

/// Waits until a read of `fd` would not block, and returns whether that was so within `limit`.
///
/// # Errors
///
/// Errors of the system.
pub fn readable(fd: impl AsFd, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&left)) {
            // No handler restarts it: signal(7).
            Err(Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

fn named(command: &Command, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", command.get_program().display()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use nix::sys::pthread::{pthread_kill, pthread_self};
    use nix::sys::signal::SIGUSR2;
    use signal_hook::flag;

    use super::*;
    use crate::until;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_output_is_whole_though_it_is_more_than_a_pipe_holds() {
        let mut command = shell("head -c 200000 /dev/zero; head -c 200000 /dev/zero >&2; exit 4");
        let process = ChildProcess::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let output = process.unwrap().output(PATIENCE).unwrap();
        assert_eq!(output.status.code(), Some(4));
        assert_eq!([output.stdout.len(), output.stderr.len()], [200_000; 2]);
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let mut process = ChildProcess::start(shell("sleep 60").stdin(Stdio::null())).unwrap();
        let pid = process.pid();
        assert_eq!(process.wait(Duration::from_millis(20)).unwrap(), None);
        drop(process);
        assert!(rustix::process::test_kill_process(pid).is_err());
        let process = ChildProcess::start(&mut shell("exec sleep 60")).unwrap();
        let late = process.output(Duration::from_millis(20)).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_server_that_says_nothing_is_an_error_with_its_stderr() {
        let mut mute = shell("echo no port >&2");
        let error = ChildProcess::announced(mute.stderr(Stdio::piped())).unwrap_err().to_string();
        assert_eq!(error, "sh: it does not say where it listens: no port");
    }

    /// The signals find the thread in its system call, where it is all of that time.
    #[test]
    fn a_wait_goes_on_after_a_signal() {
        flag::register(SIGUSR2 as i32, Arc::default()).unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let (id, its_id) = mpsc::channel();
        let waiting = thread::spawn(move || {
            id.send(pthread_self()).unwrap();
            readable(reader, PATIENCE)
        });
        let waiter = its_id.recv_timeout(PATIENCE).unwrap();
        let mut signals = 0;
        let signalled = until(PATIENCE, || {
            pthread_kill(waiter, SIGUSR2).unwrap();
            signals += 1;
            (signals == 20 || waiting.is_finished()).then_some(())
        });
        signalled.unwrap();
        // Its end can be read.
        drop(writer);
        assert!(waiting.join().unwrap().unwrap(), "it did not wait to the end");
    }
}
