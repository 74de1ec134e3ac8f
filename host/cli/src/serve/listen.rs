//! The sockets that `serve` listens on: bound here, or passed on by systemd.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use listenfd::ListenFd;
use rustix::io::Errno;
use rustix::net::sockopt;
use socket2::{Domain, Socket, Type};

use super::error::StartError;
use crate::exit_code::ExitCode;

/// Where the kernel lists the congestion controls that every user may choose, tcp(7).
const ALLOWED_CONGESTION: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";

/// How many connections may wait to be accepted. As the kernel's default of `somaxconn`, which
/// bounds it.
const BACKLOG: i32 = 4096;

/// Returns the listeners of the systemd socket unit that started the program; none without one.
pub(super) fn inherited() -> Result<Vec<TcpListener>, StartError> {
    let mut passed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        let listener = passed.take_tcp_listener(index).and_then(|listener| {
            let listener = listener.ok_or(Errno::BADF)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        listeners.push(listener.map_err(|error| {
            let reason = format!("cannot listen on socket {index} of LISTEN_FDS: {error}");
            StartError { code: ExitCode::Unavailable, reason }
        })?);
    }
    Ok(listeners)
}

/// Returns a listener for each of the addresses, but one for those given twice or included in
/// another.
pub(super) fn bind(addresses: &[IpAddr], port: u16) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let twice = addresses.iter().take(index).any(|earlier| earlier == address);
        let all =
            addresses.iter().any(|it| it.is_unspecified() && it.is_ipv4() == address.is_ipv4());
        if twice || (all && !address.is_unspecified()) {
            continue;
        }
        // `::` takes IPv4 connections too, unless an IPv4 address is given as well.
        let dual = *address == Ipv6Addr::UNSPECIFIED && !addresses.iter().any(IpAddr::is_ipv4);
        let address = SocketAddr::new(*address, port);
        listeners.push(listener(address, dual).map_err(|error| failure(address, &error))?);
    }
    Ok(listeners)
}

/// Sets the congestion control of every connection that the listeners accept.
pub(super) fn set_congestion(listeners: &[TcpListener], name: &str) -> Result<(), StartError> {
    for listener in listeners {
        sockopt::set_tcp_congestion(listener, name).map_err(|errno| {
            let allowed = fs::read_to_string(ALLOWED_CONGESTION).unwrap_or_default();
            let allowed = allowed.split_whitespace().collect::<Vec<_>>().join(", ");
            let reason = match errno {
                Errno::NOENT => "the system has none of that name".into(),
                Errno::PERM => "the system does not permit it".into(),
                _ => io::Error::from(errno).to_string(),
            };
            let reason = format!("--congestion {name:?}: {reason}; permitted are: {allowed}");
            StartError { code: ExitCode::Usage, reason }
        })?;
    }
    Ok(())
}

fn listener(address: SocketAddr, dual: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    // Without, a restart has to wait until the old connections leave TIME-WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn failure(address: SocketAddr, error: &io::Error) -> StartError {
    let (code, reason) = match Errno::from_io_error(error) {
        Some(Errno::ADDRINUSE) => (
            ExitCode::Unavailable,
            "the port is in use; stop what uses it, or take another (0: any that is free)".into(),
        ),
        Some(Errno::ADDRNOTAVAIL) => (
            ExitCode::Unavailable,
            "this machine has no such address; 0.0.0.0 and :: stand for all it has".into(),
        ),
        Some(Errno::AFNOSUPPORT) => {
            (ExitCode::Unavailable, "this machine does not speak that version of IP".into())
        }
        Some(Errno::ACCESS | Errno::PERM) => (
            ExitCode::NoPermission,
            "the system does not permit it; run it as a user that may, or take another port".into(),
        ),
        _ => (ExitCode::Internal, error.to_string()),
    };
    StartError { code, reason: format!("cannot listen on {address}: {reason}") }
}
