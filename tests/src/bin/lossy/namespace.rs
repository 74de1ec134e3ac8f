//! Networks of the program's own: nobody else sees them, and they end with the process.

use std::fs::{self, File};
use std::io;
use std::process::{Command, Stdio};
use std::thread;

use fetchlet_test_kit::installed;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getegid, geteuid};

/// Becomes root of a user namespace of its own, where networks may be made. To be called before there
/// is another thread: the system refuses it then.
pub(crate) fn enter() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| {
        io::Error::new(
            io::Error::from(error).kind(),
            format!("user namespaces are refused here ({error})"),
        )
    })?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    // Else an unprivileged process may not map its group.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// A network that is there as long as this, or a process in it.
#[derive(Debug)]
pub(crate) struct Network(File);

impl Network {
    pub(crate) fn new() -> io::Result<Self> {
        let made = on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        });
        made.map(Self)
    }

    /// Runs `body` in this network. What it opens or starts there stays there.
    pub(crate) fn run<T: Send>(
        &self,
        body: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        on_a_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET)?;
            body()
        })
    }

    /// Runs `ip` for each of these lines.
    pub(crate) fn ip(&self, lines: &[String]) -> io::Result<()> {
        self.run(|| lines.iter().try_for_each(|line| ip(line)))
    }
}

/// A namespace belongs to a thread, and a thread that has entered one is good for nothing else.
fn on_a_thread<T: Send>(body: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let panicked = |_| Err(io::Error::other("a thread panicked"));
    thread::scope(|scope| scope.spawn(body).join().unwrap_or_else(panicked))
}

fn ip(line: &str) -> io::Result<()> {
    let mut command = Command::new(installed("ip")?);
    let output = command.args(line.split(' ')).stdin(Stdio::null()).output().map_err(|error| {
        io::Error::new(error.kind(), format!("the command `ip` can't be run ({error})"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ip {line}: {}", said.trim_end())))
}
