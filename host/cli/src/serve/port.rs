//! Which port becomes that of a server which takes any (R16).

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::RangeInclusive;

use crate::value::PORTS;

/// The first of the ports that no service is registered for: RFC 6335, section 6.
const FIRST_DYNAMIC: u16 = 49152;

/// Where the kernel lists the ports that it gives to nobody who asks for any: `ip-sysctl`.
const RESERVED: &str = "/proc/sys/net/ipv4/ip_local_reserved_ports";

/// Returns the ports of R16 in the order to try them, for when the system's own choice can't be
/// used: those without a service first, from a random one on.
pub(super) fn candidates() -> impl Iterator<Item = u16> {
    let reserved = fs::read_to_string(RESERVED).map_or_else(|_| Vec::new(), |text| ranges(&text));
    let random = RandomState::new().build_hasher().finish();
    let dynamic = rotated(FIRST_DYNAMIC..=*PORTS.end(), random);
    let registered = rotated(*PORTS.start()..=FIRST_DYNAMIC - 1, random);
    let is_free = move |port: &u16| !reserved.iter().any(|range| range.contains(port));
    dynamic.chain(registered).filter(is_free)
}

/// Returns each of the ports once, from a random one on.
fn rotated(ports: RangeInclusive<u16>, random: u64) -> impl Iterator<Item = u16> {
    let offset = usize::try_from(random % ports.len() as u64).unwrap_or_default();
    ports.clone().skip(offset).chain(ports.take(offset))
}

/// Reads `8080,9000-9100`; leaves out what is no port.
fn ranges(text: &str) -> Vec<RangeInclusive<u16>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_port_of_r16_is_tried_once_and_those_without_a_service_first() {
        let ports: Vec<u16> = candidates().collect();
        assert!(ports.iter().all(|port| PORTS.contains(port)));
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
        let first_registered = ports.iter().position(|port| *port < FIRST_DYNAMIC).unwrap();
        assert!(ports[first_registered..].iter().all(|port| *port < FIRST_DYNAMIC));
        for random in [0, 1, 14_848, 14_849, u64::MAX] {
            let mut all: Vec<u16> = rotated(FIRST_DYNAMIC..=64000, random).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(FIRST_DYNAMIC..=64000), "{random}");
        }
    }

    #[test]
    fn reserved_ports_are_read() {
        assert_eq!(ranges("8080,9000-9100\n"), [8080..=8080, 9000..=9100]);
        assert_eq!(ranges("\n"), []);
        assert_eq!(ranges("x,1-,70000,5"), [5..=5]);
    }
}
