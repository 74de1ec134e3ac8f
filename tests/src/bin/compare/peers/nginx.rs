//! nginx as its users set it up for files: workers for both cores, sendfile, no log of each request.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use fetchlet_tests::{Folder, Running};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, geteuid};

use super::{Peer, Server, Started};
use crate::Result;
use crate::load::Protocol;
use crate::setting::Setting;

pub(super) fn start(peer: Peer, setting: &Setting) -> Result<Started> {
    let program = match setting.tools.get("nginx") {
        Ok(program) => program,
        Err(reason) => return Ok(Err(reason)),
    };
    // Passed on listening, as nginx does to its own successor: no other can take the port meanwhile,
    // and a client that comes early waits instead of being refused.
    let listener = listener()?;
    let addr = listener.local_addr()?;
    let folder = Folder::within(setting.files.folder().parent().ok_or("no folder")?)?;
    let path = folder.path().join("nginx.conf");
    fs::write(&path, configuration(peer, addr, setting))?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder.path()).arg("-c").arg(&path);
    command.arg("-e").arg(folder.path().join("error.log")).args(["-g", "daemon off;"]);
    command.env("NGINX", format!("{};", listener.as_raw_fd())).stdin(Stdio::null());
    fcntl_setfd(&listener, FdFlags::empty())?;
    let running = Running::start(&mut command);
    fcntl_setfd(&listener, FdFlags::CLOEXEC)?;
    let protocol = if peer == Peer::NginxKept { Protocol::Http11 } else { Protocol::Http10 };
    Ok(Ok(Server { peer, addr, protocol, running: running?, _folder: Some(folder) }))
}

/// As nginx makes its own: two workers are woken for one client, and the second must not wait in accept.
fn listener() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn configuration(peer: Peer, addr: SocketAddr, setting: &Setting) -> String {
    // The served folder is this user's alone; without it root's workers would be somebody else's.
    let user = if geteuid().is_root() { "user root;\n" } else { "" };
    let aio = if peer == Peer::NginxAio { "aio threads;" } else { "" };
    let root = setting.files.folder().display();
    format!(
        "{user}worker_processes 2;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 12000; }}
http {{
    sendfile on; tcp_nopush on; access_log off; {aio}
    keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen {addr} backlog=4096; root {root}; }}
}}
"
    )
}

/// Asks it to end, and does not insist.
pub(super) fn stop(running: &mut Running) {
    running.signal(Signal::TERM).ok();
    running.wait(Duration::from_secs(2)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_comes_second_does_not_wait_in_accept() {
        let error = listener().unwrap().accept().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
