//! The address of a server: a host, given by name or by IP address, and a port.

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Instant;

use super::resolver;

/// The host and the port of a server, as [`Client::get`](crate::Client::get) takes them.
///
/// In text a server is `host:port`, with an IPv6 address in brackets as in a URL. A name is looked
/// up when the client connects, not before.
///
/// ```
/// use std::net::SocketAddr;
/// use fetchlet::ServerAddr;
///
/// let server: ServerAddr = "192.0.2.1:5000".parse()?;
/// assert_eq!(server, SocketAddr::from(([192, 0, 2, 1], 5000)).into());
/// assert_eq!("[::1]:5000".parse::<ServerAddr>()?, ServerAddr::from(("::1", 5000)));
/// assert!("example.com".parse::<ServerAddr>().is_err(), "the port is missing");
/// # Ok::<(), fetchlet::ServerAddrError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddr(Host);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Host {
    Ip(SocketAddr),
    Name(String, u16),
}

/// A text that is no [`ServerAddr`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{text:?} is not a server's address: give HOST:PORT, an IPv6 address in brackets")]
pub struct ServerAddrError {
    /// The text.
    pub text: String,
}

impl ServerAddr {
    /// Returns every address of the host, at least one, in the order of the system's resolver. A
    /// lookup ends at the latest at `deadline`.
    pub(super) fn resolve(&self, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        match &self.0 {
            Host::Ip(address) => Ok(vec![*address]),
            Host::Name(name, port) => resolver::resolve(name, *port, deadline),
        }
    }

    /// Returns the host in text, without the port.
    pub(super) fn host(&self) -> String {
        match &self.0 {
            Host::Ip(address) => address.ip().to_string(),
            Host::Name(name, _) => name.clone(),
        }
    }
}

impl FromStr for ServerAddr {
    type Err = ServerAddrError;

    fn from_str(text: &str) -> Result<Self, ServerAddrError> {
        split(text).map(Self::from).ok_or_else(|| ServerAddrError { text: text.into() })
    }
}

/// Splits `host:port`. A colon in the host is allowed only within brackets: `::1:5000` is an IPv6
/// address itself.
fn split(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits)?;
    let bare = in_brackets(host);
    let unambiguous = bare.is_some() || !host.contains(':');
    (unambiguous && !bare.unwrap_or(host).is_empty()).then_some((host, port))
}

fn in_brackets(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

impl TryFrom<&str> for ServerAddr {
    type Error = ServerAddrError;

    fn try_from(text: &str) -> Result<Self, ServerAddrError> {
        text.parse()
    }
}

impl TryFrom<String> for ServerAddr {
    type Error = ServerAddrError;

    fn try_from(text: String) -> Result<Self, ServerAddrError> {
        text.parse()
    }
}

impl From<SocketAddr> for ServerAddr {
    fn from(address: SocketAddr) -> Self {
        Self(Host::Ip(address))
    }
}

/// The host is a name or an IP address, with or without brackets.
impl From<(&str, u16)> for ServerAddr {
    fn from((host, port): (&str, u16)) -> Self {
        let host = in_brackets(host).unwrap_or(host);
        match host.parse() {
            Ok(ip) => Self(Host::Ip(SocketAddr::new(ip, port))),
            Err(_) => Self(Host::Name(host.into(), port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for (text, host, port) in [
            ("example.com:5000", "example.com", 5000),
            ("localhost:0", "localhost", 0),
            ("192.0.2.1:65535", "192.0.2.1", 65535),
            ("[2001:db8::1]:5000", "2001:db8::1", 5000),
            ("[fe80::1%eth0]:5000", "fe80::1%eth0", 5000),
        ] {
            assert_eq!(text.parse(), Ok(ServerAddr::from((host, port))), "{text}");
            assert_eq!(ServerAddr::try_from(text).unwrap().host(), host);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_text() {
        for text in [
            "",
            ":",
            ":5000",
            "[]:5000",
            "localhost",
            "localhost:",
            "localhost:65536",
            "localhost:+80",
            "localhost:-1",
            "localhost:http",
            "::1:5000",
            "[::1]5000",
        ] {
            let refused = text.parse::<ServerAddr>().unwrap_err();
            assert_eq!(refused.text, text);
            assert!(refused.to_string().contains("give HOST:PORT"), "{refused}");
        }
    }

    #[test]
    fn an_ip_address_is_not_looked_up() {
        let address: SocketAddr = "[::1]:5000".parse().unwrap();
        // There would be no time for it.
        assert_eq!(ServerAddr::from(address).resolve(Instant::now()).unwrap(), [address]);
        assert_eq!(ServerAddr::from(("[::1]", 5000)), address.into());
    }
}
