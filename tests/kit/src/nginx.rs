//! nginx on a free port, configured as its users do for files: with sendfile, without an access
//! log.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, geteuid};

use crate::child_process::ChildProcess;
use crate::cleanup::TempFolder;
use crate::programs::installed;
use crate::usage::{Usage, family};

/// A running nginx that serves a folder.
#[derive(Debug)]
pub struct Nginx {
    master: ChildProcess,
    addr: SocketAddr,
    _folder: TempFolder,
}

impl Nginx {
    /// Serves `root` with `workers` processes of `connections` connections each. `more` is added to
    /// the block `http` of the configuration. The working folder is made beside `root`.
    ///
    /// nginx inherits a listening socket, as after an upgrade of its binary: no other program can
    /// take the port, and a client that connects before nginx is ready waits.
    ///
    /// # Errors
    ///
    /// If nginx is not installed, or can't be started.
    pub fn start(
        bind: Ipv4Addr,
        root: &Path,
        workers: u32,
        connections: u32,
        more: &str,
    ) -> io::Result<Self> {
        let beside = root.parent().ok_or_else(|| io::Error::other("no folder around it"))?;
        let folder = TempFolder::within(beside)?;
        let listener = listener(bind)?;
        let addr = listener.local_addr()?;
        let path = folder.path().join("nginx.conf");
        fs::write(&path, config(root, addr, workers, connections, more))?;
        let mut command = Command::new(installed("nginx")?);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&path);
        command.arg("-e").arg(folder.path().join("error.log"));
        command.env("NGINX", format!("{};", listener.as_raw_fd())).stdin(Stdio::null());
        fcntl_setfd(&listener, FdFlags::empty())?;
        let master = ChildProcess::start(&mut command);
        fcntl_setfd(&listener, FdFlags::CLOEXEC)?;
        Ok(Self { master: master?, addr, _folder: folder })
    }

    /// Returns the address of the listener.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the process id of the master.
    pub fn pid(&self) -> Pid {
        self.master.pid()
    }

    /// Returns the resources of the master and its workers.
    ///
    /// # Errors
    ///
    /// If nginx has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(&family(self.pid())?)
    }
}

/// Stops nginx with SIGTERM: the master then ends its workers and waits for them, so that their CPU
/// time counts as this program's. A killed master would leave them running.
impl Drop for Nginx {
    fn drop(&mut self) {
        // nginx may have ended already. If it does not end, dropping the child process kills it.
        self.master.signal(Signal::TERM).ok();
        self.master.wait(Duration::from_secs(5)).ok();
    }
}

/// Makes a non-blocking listener, as nginx does: one client wakes two workers, and the second must
/// not wait in `accept`.
fn listener(bind: Ipv4Addr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((bind, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Returns the configuration. Relative paths are in the folder of `-p`. A master process is
/// required: a single process that inherits its listener crashes.
fn config(root: &Path, listen: SocketAddr, workers: u32, connections: u32, more: &str) -> String {
    // Only this user may read the served folder; by default root's workers run as another user.
    let user = if geteuid().is_root() { "user root root;" } else { "" };
    let root = root.display();
    format!(
        "{user} daemon off; worker_processes {workers};
pid nginx.pid; error_log error.log warn;
events {{ worker_connections {connections}; }}
http {{
    sendfile on; tcp_nopush on; access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {more}
    server {{ listen {listen} backlog=4096; root {root}; }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_comes_second_does_not_wait_in_accept() {
        let error = listener(Ipv4Addr::LOCALHOST).unwrap().accept().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
