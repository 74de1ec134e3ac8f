//! Listeners that somebody else has opened, as systemd does for a socket unit: sd_listen_fds(3).

use std::ffi::OsString;
use std::net::TcpListener;
use std::{env, fs, io, process};

use listenfd::ListenFd;
use rustix::net::{ipproto, sockopt};

use super::error::StartError;
use crate::exit_code::ExitCode;
use crate::value::PORTS;

/// The descriptor of the first socket that is passed on: sd_listen_fds(3).
const FIRST_DESCRIPTOR: usize = 3;

/// The sockets that were passed on.
#[derive(Debug, Default)]
pub(super) struct Inherited {
    pub(super) listeners: Vec<TcpListener>,
    /// Warnings about the sockets, for the log, once there is a log.
    warnings: Vec<String>,
}

impl Inherited {
    /// Takes the sockets of `LISTEN_FDS`; none if there are none for this process. Changes the
    /// environment: call this while there is no other thread.
    ///
    /// # Errors
    ///
    /// If one of them is no listening TCP socket, or the variables are not as systemd writes them.
    pub(super) fn take() -> Result<Self, StartError> {
        let Some(count) = variable("LISTEN_FDS") else { return Ok(Self::default()) };
        if let Some(pid) = variable("LISTEN_PID") {
            let own = process::id();
            if number::<u32>("LISTEN_PID", &pid)? != own {
                // Not an error: a child of a process that has sockets inherits the variables.
                let warning = format!(
                    "the sockets of LISTEN_FDS are for process {} (LISTEN_PID), not for this one, \
                     {own}: they are not used",
                    pid.display()
                );
                return Ok(Self { warnings: vec![warning], ..Self::default() });
            }
        }
        number::<u16>("LISTEN_FDS", &count)?;
        let mut this = Self::default();
        // systemfd(1), which listenfd is made for, may begin elsewhere.
        let first = variable("LISTEN_FDS_FIRST_FD").and_then(|first| first.to_str()?.parse().ok());
        let first = first.unwrap_or(FIRST_DESCRIPTOR);
        let mut passed = ListenFd::from_env();
        for index in 0..passed.len() {
            let descriptor = first.saturating_add(index);
            let listener = listener(&mut passed, index, descriptor).map_err(|reason| {
                refused(format!(
                    "cannot listen on descriptor {descriptor}, socket {index} of LISTEN_FDS: \
                     {reason}; pass on a TCP socket that listens (systemd: ListenStream=PORT)"
                ))
            })?;
            this.warnings.extend(outside_r16(&listener));
            this.listeners.push(listener);
        }
        Ok(this)
    }

    pub(super) fn warn(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }
}

/// Returns the value of a variable, unless it is empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn number<N: std::str::FromStr>(name: &str, value: &OsString) -> Result<N, StartError> {
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.ok_or_else(|| refused(format!("{name} is {value:?}, which is no number that it may be")))
}

fn refused(reason: String) -> StartError {
    StartError { code: ExitCode::Unavailable, reason }
}

/// Takes a socket if it is what a server can listen on. An error is a sentence.
fn listener(passed: &mut ListenFd, index: usize, descriptor: usize) -> Result<TcpListener, String> {
    let said = |error: io::Error| error.to_string();
    let listener = match passed.take_tcp_listener(index) {
        Ok(Some(listener)) => listener,
        _ => return Err(what_it_is(descriptor)),
    };
    match sockopt::socket_protocol(&listener).map_err(|errno| said(errno.into()))? {
        Some(ipproto::TCP | ipproto::MPTCP) => {}
        _ => return Err("it is no TCP socket".into()),
    }
    if !sockopt::socket_acceptconn(&listener).map_err(|errno| said(errno.into()))? {
        return Err("it does not listen".into());
    }
    listener.set_nonblocking(true).map_err(said)?;
    Ok(listener)
}

/// Tells why a descriptor was not taken for a TCP socket.
fn what_it_is(descriptor: usize) -> String {
    match fs::read_link(format!("/proc/self/fd/{descriptor}")) {
        Ok(target) if target.to_string_lossy().starts_with("socket:") => {
            "it is no TCP socket".into()
        }
        Ok(target) => format!("it is {target:?}, no socket"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "it is not open".into(),
        Err(_) => "it is no TCP socket".into(),
    }
}

fn outside_r16(listener: &TcpListener) -> Option<String> {
    let port = listener.local_addr().ok()?.port();
    (!PORTS.contains(&port)).then(|| {
        let (first, last) = (PORTS.start(), PORTS.end());
        format!("clients refuse port {port}: it is not from {first} to {last} (R16)")
    })
}
