//! Whole files whose lengths are near the limits of segments and windows.

use fetchlet_segment::LinkConditions;
use fetchlet_test_kit::{LIMIT, random_bytes, response, within};
use smoltcp::time::Duration;

use crate::fixture::Scenario;

/// The TCP payload of a full Ethernet frame in bytes, without TCP options: 1500 - 20 - 20.
const MSS: usize = 1460;

/// The windows of small devices, windows around one segment, the largest without window scaling,
/// and the next one.
const WINDOWS: &[usize] = &[512, 536, 1459, 1460, 1461, 2048, 4096, 16_384, 65_535, 65_536];

fn arrives(len: usize, window: usize, conditions: LinkConditions) {
    let file = random_bytes(len as u64, len);
    let outcome = Scenario { window, conditions, ..Scenario::new(&response(&file)) }.run();
    let overflowed = outcome.counters.0.overflowed + outcome.counters.1.overflowed;
    assert_eq!(overflowed, 0, "{len} bytes, window {window}");
    assert!(outcome.whole() == file, "{len} bytes, window {window}: other bytes");
}

/// Returns lengths around this edge, with and without the header's 8 bytes.
fn around(edge: usize) -> impl Iterator<Item = usize> {
    [edge, edge - 8].into_iter().flat_map(|edge| edge - 1..=edge + 1)
}

#[test]
fn a_file_around_a_segment_arrives() {
    within(LIMIT, || {
        for window in [512, MSS, 16_384] {
            for len in [0, 1, 2].into_iter().chain(around(MSS)).chain(around(2 * MSS)) {
                arrives(len, window, LinkConditions::default());
            }
        }
    });
}

#[test]
fn a_file_around_the_window_arrives() {
    within(LIMIT, || {
        for &window in WINDOWS {
            for len in around(window).chain(around(2 * window)) {
                arrives(len, window, LinkConditions::default());
            }
        }
    });
}

#[test]
fn a_mebibyte_arrives_through_every_window() {
    within(LIMIT, || {
        for &window in WINDOWS {
            arrives(1 << 20, window, LinkConditions::default());
        }
    });
}

/// With a delay, several segments are on their way at a time; with a rate limit, the queue fills.
#[test]
fn a_slow_and_distant_server_is_no_difference() {
    within(LIMIT, || {
        let latency = Duration::from_millis(40);
        let conditions = LinkConditions {
            latency,
            rate: std::num::NonZero::new(100_000),
            ..LinkConditions::default()
        };
        for window in [512, 4096, 65_536] {
            arrives(60_000, window, conditions);
        }
    });
}

/// The time of 60 kB at 100 kB/s and the latency of the cable, by the virtual clock.
#[test]
fn the_rate_and_the_latency_are_what_they_say() {
    within(LIMIT, || {
        let (rate, latency) = (std::num::NonZero::new(100_000), Duration::from_millis(40));
        let conditions = LinkConditions { rate, latency, ..LinkConditions::default() };
        let scenario =
            Scenario { conditions, window: 65_535, ..Scenario::new(&response(&[7; 60_000])) };
        let outcome = scenario.run();
        let line = outcome.counters.1.bytes * 10;
        let took = outcome.at.total_micros();
        // Two round trips pass before the first byte: ARP and SYN, then the request.
        let least = i64::try_from(line).unwrap() + 240_000;
        assert!((least..least + 200_000).contains(&took), "{took} µs, at least {least}");
        outcome.whole();
    });
}
