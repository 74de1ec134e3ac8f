//! A listener that every client may connect to.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;

/// The ports of a server (R16).
const PORTS: RangeInclusive<u16> = 1024..=64000;

/// Listens on a free port of 127.0.0.1 that is one of R16, whichever range the system chooses
/// from.
///
/// # Panics
///
/// If no such port is free.
pub fn listener() -> TcpListener {
    let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let is_in_r16 = |it: &TcpListener| it.local_addr().is_ok_and(|at| PORTS.contains(&at.port()));
    match bind(0).ok().filter(is_in_r16) {
        Some(listener) => listener,
        None => in_r16(bind).expect("a free port"),
    }
}

/// Tries the ports from a random one on, so that two tests seldom try the same.
fn in_r16(bind: impl Fn(u16) -> io::Result<TcpListener>) -> Option<TcpListener> {
    let start = fastrand::u16(PORTS);
    (start..=*PORTS.end()).chain(*PORTS.start()..start).find_map(|port| bind(port).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_one_of_r16_without_the_systems_choice() {
        let bound = in_r16(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).unwrap();
        assert!(PORTS.contains(&bound.local_addr().unwrap().port()));
        assert!(in_r16(|_| Err(io::ErrorKind::AddrInUse.into())).is_none());
    }
}
