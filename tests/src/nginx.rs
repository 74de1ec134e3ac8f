//! nginx on a port of its own, for what is measured beside it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::usage::{Usage, family};
use crate::{Running, installed};

/// A running nginx, which serves a folder by sendfile.
#[derive(Debug)]
pub struct Nginx {
    running: Running,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Serves `root` with so many processes, each for so many connections; 1: without a master.
    ///
    /// It listens when this returns: it gets a socket that does already, as after an upgrade of itself,
    /// and so needs no port that was free a moment ago.
    ///
    /// # Errors
    ///
    /// If it is not installed, or can't be started.
    pub fn start(
        bind: Ipv4Addr,
        root: &Path,
        processes: u32,
        connections: u32,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let listener = TcpListener::bind((bind, 0))?;
        let address = listener.local_addr()?;
        let path = folder.path().join("nginx.conf");
        fs::write(&path, config(folder.path(), root, address, processes, connections))?;
        let mut command = Command::new(installed("nginx")?);
        command.arg("-e").arg(folder.path().join("error.log"));
        command.arg("-p").arg(folder.path()).arg("-c").arg(path);
        command.env("NGINX", format!("{};", listener.as_raw_fd()));
        fcntl_setfd(&listener, FdFlags::empty())?;
        let running = Running::start(command.stdin(Stdio::null()))?;
        Ok(Self { running, address, _folder: folder })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What all of its processes take.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(&family(self.running.pid())?)
    }
}

/// A master that is killed leaves its workers behind; one that is told ends them first.
impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already; a stubborn one is killed by the next drop.
        self.running.signal(Signal::TERM).ok();
        self.running.wait(Duration::from_secs(5)).ok();
    }
}

fn config(own: &Path, root: &Path, listen: SocketAddr, processes: u32, connections: u32) -> String {
    let (own, root) = (own.display(), root.display());
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {own}/{name};"))
        .concat();
    let master = if processes == 1 { "off" } else { "on" };
    // Root, where it is started as root: another user could not read a folder of a test's own.
    format!(
        "user root root; daemon off; master_process {master}; worker_processes {processes};\n\
         pid {own}/nginx.pid; error_log {own}/error.log crit;\n\
         events {{ worker_connections {connections}; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; {temporary}\n\
         server {{ listen {listen} backlog=4096; root {root}; }} }}\n"
    )
}
