//! A network namespace of the process's own: invisible to others, and gone when the process ends.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use crate::failure::Failure;

/// Moves the process into a network namespace of its own, within a new user namespace if that is
/// allowed, else as root. Returns a description of the namespaces.
///
/// If possible, a file system in memory is mounted on `temporary`, so that even a process that is
/// killed leaves no file there.
pub(crate) fn enter(temporary: &Path) -> Result<&'static str, Failure> {
    let (user, group) = (geteuid(), getegid());
    let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    let entered = match unshare(own | CloneFlags::CLONE_NEWUSER) {
        Ok(()) => {
            let mapped = become_root("uid_map", user.as_raw(), "gid_map", group.as_raw());
            mapped.map_err(|fault| refused(&fault))?;
            "a user and network namespace of its own"
        }
        Err(fault) => {
            // Root may leave the network without a user namespace.
            unshare(own).map_err(|_| refused(&fault.into()))?;
            "a network namespace of its own"
        }
    };
    // Before any other mount: mounts in here must not show outside.
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .and_then(|()| mount(Some("tmpfs"), temporary, Some("tmpfs"), MsFlags::MS_NOSUID, none))
        // Without the mount an orderly end removes the files.
        .unwrap_or_else(|fault| log::debug!("no tmpfs on {temporary:?}: {fault}"));
    Ok(entered)
}

/// Maps root of the new user namespace to the user and group of the process outside.
fn become_root(uid_map: &str, user: u32, gid_map: &str, group: u32) -> io::Result<()> {
    fs::write(format!("/proc/self/{uid_map}"), format!("0 {user} 1"))?;
    // The kernel lets an unprivileged process map its group only after this.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write(format!("/proc/self/{gid_map}"), format!("0 {group} 1"))
}

fn refused(fault: &io::Error) -> Failure {
    Failure::Unavailable(format!(
        "user namespaces are refused here ({fault}): run this as root, or allow them by sysctl \
         (kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0 or \
         user.max_user_namespaces, whichever it is here)"
    ))
}

/// Gives an interface its address and sets it up.
pub(crate) fn address(interface: &str, address: Ipv4Addr, prefix: u8) -> Result<(), Failure> {
    let address = format!("{address}/{prefix}");
    ip(&["address", "add", &address, "dev", interface])?;
    ip(&["link", "set", interface, "up"])
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    // `ip` is in a folder for administrators, which a user's PATH may lack.
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(OsString::from(":/usr/sbin:/sbin:/usr/bin:/bin"));
    let mut command = Command::new("ip");
    command.args(arguments).env("PATH", path).stdin(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Failure::Failed(format!("ip {}: {}", arguments.join(" "), said.trim_end())))
        }
        Err(fault) => Err(Failure::Unavailable(format!(
            "the command `ip` can't be run ({fault}): install iproute2"
        ))),
    }
}
