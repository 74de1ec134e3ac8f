//! The sockets that `serve` binds and listens on.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr, TcpListener, UdpSocket};

use rustix::io::Errno;
use rustix::net::sockopt;
use socket2::{Domain, Socket, Type};

use super::bind_addr::BindAddr;
use super::error::StartError;
use super::port;
use crate::exit_code::ExitCode;
use crate::value::PORTS;

/// Where the kernel lists the congestion controls that every user may choose, tcp(7).
const ALLOWED_CONGESTION: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";

/// How many connections may wait to be accepted. As the kernel's default of `somaxconn`, which
/// bounds it.
const BACKLOG: i32 = 4096;

/// What a listener is made of.
struct ListenerConfig<'a> {
    address: &'a BindAddr,
    /// Whether it takes IPv4 connections, too.
    dual: bool,
    /// Whether the address need not be of this machine yet.
    freebind: bool,
}

/// An address that can't be listened on.
struct ListenError {
    address: String,
    error: io::Error,
}

/// Returns a listener for each of the addresses, but one for those given twice or included in
/// another. All have the same port; for port 0, one of R16 that is free on all of them.
pub(super) fn bind(
    addresses: &[BindAddr],
    port: u16,
    freebind: bool,
) -> Result<Vec<TcpListener>, StartError> {
    let configs = listener_configs(addresses, freebind);
    let bound = match listen(&configs, port) {
        Ok(bound) if port == 0 && !bound.iter().all(is_in_r16) => listen_in_r16(&configs),
        Err(refused) if port == 0 && refused.is_of_the_port() => listen_in_r16(&configs),
        bound => bound,
    };
    let listeners = bound.map_err(|refused| failure(&refused))?;
    if freebind {
        warn_of_missing(&listeners);
    }
    Ok(listeners)
}

/// Sets the congestion control of every connection that the listeners accept.
pub(super) fn set_congestion(listeners: &[TcpListener], name: &str) -> Result<(), StartError> {
    for listener in listeners {
        sockopt::set_tcp_congestion(listener, name).map_err(|errno| {
            let permitted = permitted_congestion();
            let reason = match errno {
                Errno::NOENT => "the system has none of that name".into(),
                Errno::PERM => "the system does not permit it".into(),
                _ => io::Error::from(errno).to_string(),
            };
            let reason = format!("--congestion {name:?}: {reason}; permitted are: {permitted}");
            StartError { code: ExitCode::Usage, reason }
        })?;
    }
    Ok(())
}

/// Returns the congestion controls that every user may choose, or where they are listed.
fn permitted_congestion() -> String {
    match fs::read_to_string(ALLOWED_CONGESTION) {
        Ok(names) => names.split_whitespace().collect::<Vec<_>>().join(", "),
        Err(_) => format!("those of {ALLOWED_CONGESTION}, which can't be read here"),
    }
}

fn listener_configs(addresses: &[BindAddr], freebind: bool) -> Vec<ListenerConfig<'_>> {
    let mut configs = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let twice = addresses.iter().take(index).any(|earlier| earlier == address);
        let same_version = |it: &BindAddr| it.ip.is_ipv4() == address.ip.is_ipv4();
        let all = addresses.iter().any(|it| it.ip.is_unspecified() && same_version(it));
        if twice || (all && !address.ip.is_unspecified()) {
            continue;
        }
        // `::` takes IPv4 connections too, unless an IPv4 address is given as well.
        let dual =
            address.ip == Ipv6Addr::UNSPECIFIED && !addresses.iter().any(|it| it.ip.is_ipv4());
        configs.push(ListenerConfig { address, dual, freebind });
    }
    configs
}

/// Makes all listeners with one port. Port 0: the one that the system gives the first.
fn listen(configs: &[ListenerConfig<'_>], mut port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    for config in configs {
        let listener = config.listen(port)?;
        port = listener.local_addr().map_or(port, |address| address.port());
        listeners.push(listener);
    }
    Ok(listeners)
}

/// As [`listen`], with a port of R16 that all listeners can have.
fn listen_in_r16(configs: &[ListenerConfig<'_>]) -> Result<Vec<TcpListener>, ListenError> {
    let mut last = None;
    for port in port::candidates() {
        match listen(configs, port) {
            Err(refused) if refused.is_of_the_port() => last = Some(refused),
            bound => return bound,
        }
    }
    // Nothing but the reservation of every port leaves no candidate.
    last.map_or_else(|| listen(configs, *PORTS.end()), Err)
}

fn is_in_r16(listener: &TcpListener) -> bool {
    listener.local_addr().is_ok_and(|address| PORTS.contains(&address.port()))
}

impl ListenerConfig<'_> {
    fn listen(&self, port: u16) -> Result<TcpListener, ListenError> {
        self.try_listen(port).map_err(|error| {
            let address = match self.address.ip {
                IpAddr::V4(_) => format!("{}:{port}", self.address),
                IpAddr::V6(_) => format!("[{}]:{port}", self.address),
            };
            ListenError { address, error }
        })
    }

    fn try_listen(&self, port: u16) -> io::Result<TcpListener> {
        let domain = if self.address.ip.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::STREAM.nonblocking(), None)?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(!self.dual)?;
        }
        if self.freebind {
            match domain {
                Domain::IPV4 => sockopt::set_ip_freebind(&socket, true)?,
                _ => sockopt::set_ipv6_freebind(&socket, true)?,
            }
        }
        // Without, a restart has to wait until the old connections leave TIME-WAIT.
        socket.set_reuse_address(true)?;
        socket.bind(&self.address.at(&socket, port)?.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    }
}

/// Logs which addresses nobody can connect to yet: they may also be misspelt.
fn warn_of_missing(listeners: &[TcpListener]) {
    for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
        let mut any_port = address;
        any_port.set_port(0);
        // UDP: to bind does nothing but ask the system whether it has the address.
        let missing = |error| Errno::from_io_error(&error) == Some(Errno::ADDRNOTAVAIL);
        if UdpSocket::bind(any_port).is_err_and(missing) {
            tracing::warn!("{} is no address of this machine yet (--freebind)", address.ip());
        }
    }
}

impl ListenError {
    /// Whether another port may do.
    fn is_of_the_port(&self) -> bool {
        // ACCESS: a port below `ip_unprivileged_port_start`.
        let errno = Errno::from_io_error(&self.error);
        matches!(errno, Some(Errno::ADDRINUSE | Errno::ACCESS))
    }
}

fn failure(refused: &ListenError) -> StartError {
    let ListenError { address, error } = refused;
    let (code, reason) = match Errno::from_io_error(error) {
        Some(Errno::ADDRINUSE) => (
            ExitCode::Unavailable,
            "the port is in use; stop what uses it, or take another (0: any that is free)".into(),
        ),
        Some(Errno::ADDRNOTAVAIL) => (
            ExitCode::Unavailable,
            "this machine has no such address; 0.0.0.0 and :: stand for all it has, and \
             --freebind listens on one that it will have"
                .into(),
        ),
        Some(Errno::NODEV) => (
            ExitCode::Unavailable,
            "this machine has no such interface; `ip link` lists those it has".into(),
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
