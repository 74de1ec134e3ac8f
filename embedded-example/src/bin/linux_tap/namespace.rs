//! A network of the process's own: nobody else sees it, and it ends with the process.

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

/// Leaves the machine's network, as root where namespaces of users are refused; says which it was.
///
/// `temporary` becomes a folder of the process's own where that is possible, so that even a process
/// that is killed leaves nothing in it.
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
            // Root needs no such namespace to leave the network.
            unshare(own).map_err(|_| refused(&fault.into()))?;
            "a network namespace of its own"
        }
    };
    // First of all: what is mounted in here must not show outside.
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .and_then(|()| mount(Some("tmpfs"), temporary, Some("tmpfs"), MsFlags::MS_NOSUID, none))
        // Without, the files are removed at the end, if the end is orderly.
        .unwrap_or_else(|fault| log::debug!("no tmpfs on {temporary:?}: {fault}"));
    Ok(entered)
}

/// Root in the new namespace is who we were outside.
fn become_root(uid_map: &str, user: u32, gid_map: &str, group: u32) -> io::Result<()> {
    fs::write(format!("/proc/self/{uid_map}"), format!("0 {user} 1"))?;
    // Else an unprivileged process may not map its group.
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

/// Gives an interface in this network its address, and starts it.
pub(crate) fn address(interface: &str, address: Ipv4Addr, prefix: u8) -> Result<(), Failure> {
    let address = format!("{address}/{prefix}");
    ip(&["address", "add", &address, "dev", interface])?;
    ip(&["link", "set", interface, "up"])
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    // It is for administrators, whose folders may not be in a user's PATH.
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
