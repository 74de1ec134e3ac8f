//! nginx on a port of its own, as its users set it up for files: by sendfile, no log of each request.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, geteuid};

use crate::guard::Folder;
use crate::programs::installed;
use crate::running::Running;
use crate::usage::{Usage, family};

/// A running nginx, which serves a folder.
#[derive(Debug)]
pub struct Nginx {
    running: Running,
    addr: SocketAddr,
    _folder: Folder,
}

impl Nginx {
    /// Serves `root` with so many workers, each for so many connections. `more` is for the block `http`.
    /// Its own folder is made beside `root`.
    ///
    /// It listens when this returns: it gets a socket that does already, as after an upgrade of itself.
    /// So no other can take the port meanwhile, and a client that comes early waits.
    ///
    /// # Errors
    ///
    /// If it is not installed, or can't be started.
    pub fn start(
        bind: Ipv4Addr,
        root: &Path,
        workers: u32,
        connections: u32,
        more: &str,
    ) -> io::Result<Self> {
        let beside = root.parent().ok_or_else(|| io::Error::other("no folder around it"))?;
        let folder = Folder::within(beside)?;
        let listener = listener(bind)?;
        let addr = listener.local_addr()?;
        let path = folder.path().join("nginx.conf");
        fs::write(&path, config(root, addr, workers, connections, more))?;
        let mut command = Command::new(installed("nginx")?);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&path);
        command.arg("-e").arg(folder.path().join("error.log"));
        command.env("NGINX", format!("{};", listener.as_raw_fd())).stdin(Stdio::null());
        fcntl_setfd(&listener, FdFlags::empty())?;
        let running = Running::start(&mut command);
        fcntl_setfd(&listener, FdFlags::CLOEXEC)?;
        Ok(Self { running: running?, addr, _folder: folder })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its master's process.
    pub fn pid(&self) -> Pid {
        self.running.pid()
    }

    /// What all of its processes take.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(&family(self.pid())?)
    }
}

/// A master that is killed leaves its workers behind, and does not wait for them: one that is told ends
/// them first, and what they have worked counts as this program's.
impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already; a stubborn one is killed by the next drop.
        self.running.signal(Signal::TERM).ok();
        self.running.wait(Duration::from_secs(5)).ok();
    }
}

/// As nginx makes its own: two workers are woken for one client, and the second must not wait in accept.
fn listener(bind: Ipv4Addr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((bind, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What has no folder is in that of `-p`. There is always a master: alone, a process that is handed its
/// listener crashes.
fn config(root: &Path, listen: SocketAddr, workers: u32, connections: u32, more: &str) -> String {
    // The served folder is this user's alone; without it root's workers would be somebody else's.
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
