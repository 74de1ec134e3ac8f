//! An address to listen on, as `--bind` takes it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::str::FromStr;

use rustix::net::netdevice::name_to_index;

/// An IP address of this machine. That of a link is there once per interface, so the interface
/// belongs to it: RFC 4007.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BindAddr {
    pub(super) ip: IpAddr,
    /// The name or the index, as given behind `%`.
    interface: Option<String>,
}

impl BindAddr {
    /// Returns the address with `port`. Asks the system, by any socket, which interface is meant.
    ///
    /// # Errors
    ///
    /// `ENODEV` if there is no interface of that name.
    pub(super) fn at(&self, socket: impl AsFd, port: u16) -> io::Result<SocketAddr> {
        let (IpAddr::V6(ip), Some(interface)) = (self.ip, &self.interface) else {
            return Ok(SocketAddr::new(self.ip, port));
        };
        // As getaddrinfo(3) does: a name that looks like a number is a name first.
        let index = name_to_index(socket, interface);
        let number = || interface.parse().ok().map(NonZeroU32::get);
        let index = index.or_else(|errno| number().ok_or(errno))?;
        Ok(SocketAddrV6::new(ip, port, 0, index).into())
    }
}

impl FromStr for BindAddr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, interface) = match text.split_once('%') {
            Some((address, interface)) => (address, Some(interface)),
            None => (text, None),
        };
        let ip: IpAddr = address.parse().map_err(|_| {
            "it is no IP address; write for example 0.0.0.0, ::1 or fe80::1%eth0".to_owned()
        })?;
        let ip = ip.to_canonical();
        if ip.is_multicast() {
            return Err("nobody can connect to a multicast address".into());
        }
        match (ip, interface) {
            (IpAddr::V6(link_local), None) if link_local.is_unicast_link_local() => {
                Err(format!("it is there on every link: name the interface, as in {ip}%eth0"))
            }
            (_, Some("")) => Err(format!("name the interface behind the %, as in {ip}%eth0")),
            (IpAddr::V4(_), Some(_)) => Err("only an IPv6 address takes an interface".into()),
            (_, interface) => Ok(Self { ip, interface: interface.map(str::to_owned) }),
        }
    }
}

impl fmt::Display for BindAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interface {
            Some(interface) => write!(f, "{}%{interface}", self.ip),
            None => write!(f, "{}", self.ip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_an_interface() {
        for (text, ip, interface) in [
            ("127.0.0.1", "127.0.0.1", None),
            ("::", "::", None),
            ("::ffff:127.0.0.1", "127.0.0.1", None),
            ("fe80::1%eth0", "fe80::1", Some("eth0")),
            ("fe80::1%3", "fe80::1", Some("3")),
            ("2001:db8::1%eth0.5", "2001:db8::1", Some("eth0.5")),
        ] {
            let expected =
                BindAddr { ip: ip.parse().unwrap(), interface: interface.map(str::to_owned) };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_what_to_write() {
        for (text, sentence) in [
            ("localhost", "write for example"),
            ("[::1]", "write for example"),
            ("", "write for example"),
            ("fe80::1", "as in fe80::1%eth0"),
            ("febf::1", "as in febf::1%eth0"),
            ("fe80::1%", "behind the %"),
            ("127.0.0.1%lo", "only an IPv6 address"),
            ("::ffff:127.0.0.1%lo", "only an IPv6 address"),
            ("ff02::1%eth0", "multicast"),
            ("224.0.0.1", "multicast"),
        ] {
            let refused = text.parse::<BindAddr>().unwrap_err();
            assert!(refused.contains(sentence), "{text}: {refused}");
        }
    }
}
