//! Parsers of option values: durations, sizes, ports.

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::time::Duration as StdDuration;

use humantime::Duration;

/// The ports of a server (R16).
pub(crate) const PORTS: RangeInclusive<u16> = 1024..=64000;

/// The longest duration that an option takes: a longer one means "never", and the longest ones
/// overflow the clocks that they are added to.
const MAX_DURATION: StdDuration = StdDuration::from_secs(24 * 60 * 60);

/// `10s`, `500ms`, `1m 30s`: a duration of more than 0 and at most a day.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let value = duration_or_zero(text)?;
    if value.is_zero() { Err("it has to be more than 0".into()) } else { Ok(value) }
}

/// As [`duration`], or `0s`.
pub(crate) fn duration_or_zero(text: &str) -> Result<Duration, String> {
    let value = humantime::parse_duration(text)
        .map_err(|fault| format!("{fault}; write for example 500ms, 10s or 2m"))?;
    if value > MAX_DURATION {
        return Err("it has to be at most 24h".into());
    }
    Ok(value.into())
}

/// `500000`, `64K`, `2m`: a number of bytes. K, M and G are 1024, 1024² and 1024³, as curl reads
/// them.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches(|last: char| !last.is_ascii_digit());
    let unit: u64 = match &text[number.len()..] {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        unit => return Err(format!("{unit:?} is no unit; write for example 500000, 64K or 2M")),
    };
    let number: u64 = number.parse().map_err(|_| {
        format!("{number:?} is no whole number; write for example 500000, 64K or 2M")
    })?;
    number.checked_mul(unit).ok_or_else(|| "it has to be less than 2^64 bytes".into())
}

/// A port to connect to (R16).
pub(crate) fn port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if PORTS.contains(&port) => Ok(port),
        _ => Err("a port is a number from 1024 to 64000 (R16)".into()),
    }
}

/// The name or an address of a server. A link-local address is there on every link, so it needs its
/// interface.
pub(crate) fn host(text: &str) -> Result<String, String> {
    match text.trim_start_matches('[').trim_end_matches(']').parse::<Ipv6Addr>() {
        Ok(ip) if ip.is_unicast_link_local() => {
            Err(format!("it is there on every link: name your interface to it, as in {ip}%eth0"))
        }
        _ => Ok(text.into()),
    }
}

/// Whether a host was given as a URL, or together with its port.
pub(crate) fn is_url_or_has_port(host: &str) -> bool {
    let has_port = host.rsplit_once(':').is_some_and(|(host, port)| {
        let is_bare = !host.contains(':') || host.ends_with(']');
        is_bare && !host.is_empty() && port.parse::<u16>().is_ok()
    });
    has_port || host.contains("://")
}

/// A port to listen on (R16), or 0 for any that is free.
pub(crate) fn listen_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(0) => Ok(0),
        _ => port(text).map_err(|reason| format!("{reason}, or 0 for any that is free")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, size) in [
            ("0", 0),
            ("500000", 500_000),
            ("1k", 1024),
            ("64K", 65_536),
            ("1m", 1_048_576),
            ("2M", 2_097_152),
            ("4g", 4_294_967_296),
            ("1G", 1_073_741_824),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
    }

    #[test]
    fn a_size_that_is_none_is_refused_with_what_is_wrong_and_what_to_write() {
        for (text, wrong) in [
            ("1KiB", "\"KiB\" is no unit; write"),
            ("1T", "\"T\" is no unit; write"),
            ("1 K", "\" K\" is no unit; write"),
            ("1²", "\"²\" is no unit; write"),
            ("", "\"\" is no whole number; write"),
            ("K", "\"\" is no whole number; write"),
            ("1.5M", "\"1.5\" is no whole number; write"),
            ("-1", "\"-1\" is no whole number; write"),
            ("18446744073709551616", "is no whole number"),
            ("17179869184G", "less than 2^64"),
        ] {
            let refused = bytes(text).unwrap_err();
            assert!(refused.contains(wrong), "{text:?}: {refused}");
        }
    }

    #[test]
    fn durations_are_bounded() {
        assert_eq!(duration("1m 30s"), Ok(StdDuration::from_secs(90).into()));
        assert_eq!(duration_or_zero("0s"), Ok(StdDuration::ZERO.into()));
        for text in ["0s", "25h", "10", "ten seconds"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_local_host_has_its_interface() {
        for text in ["example.com", "fe80::1%eth0", "[fe80::1%2]", "::1", "2001:db8::1"] {
            assert_eq!(host(text).as_deref(), Ok(text));
        }
        for text in ["fe80::1", "[fe80::1]", "febf::2"] {
            assert!(host(text).unwrap_err().contains("%eth0"), "{text}");
        }
    }

    #[test]
    fn a_host_is_told_from_a_url_and_from_a_host_with_its_port() {
        for text in ["http://localhost", "http://h:5000/f", "localhost:5000", "[::1]:5000"] {
            assert!(is_url_or_has_port(text), "{text}");
        }
        for text in ["localhost", "::1", "[::1]", "fe80::1%eth0", "2001:db8::5000", ":5000", "a:"] {
            assert!(!is_url_or_has_port(text), "{text}");
        }
    }

    #[test]
    fn ports_are_those_of_r16() {
        assert_eq!([port("1024"), port("64000"), listen_port("0")], [Ok(1024), Ok(64000), Ok(0)]);
        for text in ["0", "1023", "64001", "65536", "http", ""] {
            assert!(port(text).unwrap_err().contains("R16"), "{text}");
        }
    }
}
