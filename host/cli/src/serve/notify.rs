//! Tells the service manager that started the program how far the program is: sd_notify(3).

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::{env, io};

use rustix::time::{ClockId, clock_gettime};

/// Sends assignments, such as `READY=1`, one a line, to the socket in `$NOTIFY_SOCKET`, if that is
/// set.
pub(super) fn send_state(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, state, "cannot tell systemd");
    }
}

/// Tells that a reload begins. `READY=1` ends it.
pub(super) fn reloading() {
    // With the time, systemd from version 253 on knows which reload of several this one is.
    let now = clock_gettime(ClockId::Monotonic);
    let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
    send_state(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
}

/// Sends `state` to a socket: a path, or an abstract name behind an `@`.
fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    // A service manager that reads nothing holds up nobody.
    sender.set_nonblocking(true)?;
    sender.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_may_be_a_path_or_abstract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let abstract_name = format!("fetchlet-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        for (socket, name) in [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (
                UnixDatagram::bind_addr(&abstract_address).unwrap(),
                format!("@{abstract_name}").into(),
            ),
        ] {
            send(&name, "READY=1").unwrap();
            let mut state = [0; 16];
            let len = socket.recv(&mut state).unwrap();
            assert_eq!(&state[..len], b"READY=1");
        }
    }
    #[test]
    fn a_manager_that_reads_nothing_is_an_error_and_no_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _unread = UnixDatagram::bind(&path).unwrap();
        let refused = (0..100_000).find_map(|_| send(path.as_os_str(), "READY=1").err());
        assert_eq!(refused.expect("a full queue").kind(), io::ErrorKind::WouldBlock);
    }
}
