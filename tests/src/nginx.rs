//! nginx on a port of its own, for what is measured beside it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

use crate::usage::{Usage, family};
use crate::{Killed, until};

/// A running nginx, which serves a folder by sendfile.
#[derive(Debug)]
pub struct Nginx {
    process: Killed,
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
        let program = program("nginx").ok_or_else(|| io::Error::other("nginx is missing"))?;
        let mut command = Command::new(program);
        command.arg("-e").arg(folder.path().join("error.log"));
        command.arg("-p").arg(folder.path()).arg("-c").arg(path);
        command.env("NGINX", format!("{};", listener.as_raw_fd()));
        fcntl_setfd(&listener, FdFlags::empty())?;
        let process = Killed::spawn(&mut command)?;
        Ok(Self { process, address, _folder: folder })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What all of its processes take.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(&family(self.process.pid())?)
    }
}

/// A master that is killed leaves its workers behind; one that is told ends them first.
impl Drop for Nginx {
    fn drop(&mut self) {
        let master = self.process.pid();
        // It may have ended already; a stubborn one is killed by the next drop.
        kill_process(master, Signal::TERM).ok();
        until(Duration::from_secs(5), || self.process.child().try_wait().ok().flatten());
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

/// Where a program is, be it one for administrators, whose folders may not be in a user's PATH.
pub fn program(name: &str) -> Option<PathBuf> {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(OsString::from(":/usr/sbin:/sbin:/usr/bin:/bin"));
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
