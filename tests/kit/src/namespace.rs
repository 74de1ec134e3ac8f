//! Namespaces that a program makes for itself, of networks and of mounts: nobody else sees them,
//! and they end with the program.

use std::fs::{self, File};
use std::io;
use std::process::{Command, Stdio};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getegid, geteuid};
use rustix::mount::{MountPropagationFlags, mount_change};

use crate::programs::{bare, installed};

/// Gives the program the right to make network namespaces: it becomes root of a user namespace of
/// its own. Call this before the program has a second thread: the system refuses it then.
///
/// # Errors
///
/// If the system refuses user namespaces.
pub fn become_root() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| {
        io::Error::new(
            io::Error::from(error).kind(),
            format!("user namespaces are refused here ({error})"),
        )
    })?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    // Without this line the system does not let an unprivileged process map its group.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// Moves the whole program into a new network namespace that has loopback and nothing else. A
/// program without the right to do so calls [`become_root`] first. Call this before there is a
/// second thread, which would stay where it is.
///
/// # Errors
///
/// If the system refuses the namespace, or `ip` is not installed.
pub fn isolate() -> io::Result<()> {
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        become_root()?;
        unshare(CloneFlags::CLONE_NEWNET)?;
    }
    ip("link set lo up")
}

/// Gives this thread mounts of its own: what it mounts is seen by itself and by the programs that
/// it starts from now on, and is gone with them.
///
/// # Errors
///
/// If the program has no right to: root has.
pub fn private_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    // Else a mount made here would appear in the namespace that this one was copied from.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    Ok(())
}

/// A network namespace, which lasts as long as this value or a process inside.
#[derive(Debug)]
pub struct NetworkNamespace(File);

impl NetworkNamespace {
    /// Makes a new network namespace, in which every interface is down.
    ///
    /// # Errors
    ///
    /// If the program has no right to; [`become_root`] gives it.
    pub fn new() -> io::Result<Self> {
        let made = on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        });
        made.map(Self)
    }

    /// Runs `body` in this network. Sockets that `body` opens and programs that `body` starts stay
    /// there.
    ///
    /// # Errors
    ///
    /// The system's, and those of `body`.
    pub fn run<T: Send>(&self, body: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_a_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET)?;
            body()
        })
    }

    /// Runs the command `ip` in this network, once for each of `lines`.
    ///
    /// # Errors
    ///
    /// If `ip` is not installed or fails, with what `ip` says.
    pub fn ip(&self, lines: &[String]) -> io::Result<()> {
        self.run(|| lines.iter().try_for_each(|line| ip(line)))
    }
}

/// Returns the command `unshare` with these options, [`bare`], for a program in namespaces of its
/// own.
///
/// # Errors
///
/// If `unshare` is not installed, or the system refuses the namespaces: with what `unshare` says.
pub fn unshare_command(options: &[&str]) -> io::Result<Command> {
    let program = installed("unshare")?;
    let tried = bare(&program).args(options).arg("true").output()?;
    if !tried.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&tried.stderr).into_owned()));
    }
    let mut command = bare(program);
    command.args(options);
    Ok(command)
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
