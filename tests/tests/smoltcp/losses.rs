//! Lost and damaged frames: the file arrives whole, and equal seeds give equal runs.

use fetchlet_segment::LinkConditions;
use fetchlet_smoltcp::TransferError;
use fetchlet_test_kit::{LIMIT, random_bytes, response, within};
use smoltcp::time::Duration;

use crate::fixture::{Observed, Scenario};

/// Longer than TCP waits between retransmissions after several losses in a row.
const TIMEOUT: Duration = Duration::from_secs(60);

fn lossy(seed: u64, drop: u8, corrupt: u8, file: &[u8]) -> Observed {
    let conditions = LinkConditions { drop, corrupt, seed, ..LinkConditions::default() };
    Scenario { conditions, timeout: TIMEOUT, ..Scenario::new(&response(file)) }.run()
}

#[test]
fn eight_of_eight_seeds_bring_the_file_through() {
    within(LIMIT, || {
        let file = random_bytes(5, 256 * 1024);
        for seed in 1..=8 {
            let outcome = lossy(seed, 5, 2, &file);
            let (sent, received) = outcome.counters;
            assert!(received.dropped > 0 && received.corrupted > 0, "seed {seed}: {received:?}");
            assert!(sent.dropped + received.dropped < (sent.frames + received.frames) / 10);
            assert!(outcome.whole() == file, "seed {seed}: other bytes");
        }
    });
}

#[test]
fn a_mebibyte_survives_heavy_damage() {
    within(LIMIT, || {
        let file = random_bytes(6, 1 << 20);
        for seed in [1, 2] {
            assert!(lossy(seed, 0, 10, &file).whole() == file, "seed {seed}: other bytes");
        }
    });
}

#[test]
fn the_same_seed_is_the_same_run() {
    within(LIMIT, || {
        let file = random_bytes(5, 100_000);
        let run = |seed| {
            let outcome = lossy(seed, 5, 2, &file);
            (outcome.at, outcome.counters)
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    });
}

/// A frame that a full queue drops is lost like any other.
#[test]
fn a_short_queue_costs_time_only() {
    within(LIMIT, || {
        let file = random_bytes(5, 200_000);
        let rate = std::num::NonZero::new(1_000_000);
        let conditions = LinkConditions { rate, queue: 10, ..LinkConditions::default() };
        let answer = response(&file);
        let outcome = Scenario { conditions, timeout: TIMEOUT, ..Scenario::new(&answer) }.run();
        assert!(outcome.counters.1.overflowed > 0, "{:?}", outcome.counters);
        assert!(outcome.whole() == file);
    });
}

/// ARP has no checksum: the client would keep a wrong address of a neighbour for a minute.
#[test]
fn a_damaged_arp_frame_is_lost() {
    within(LIMIT, || {
        let conditions = LinkConditions { corrupt: 100, ..LinkConditions::default() };
        let outcome = Scenario { conditions, ..Scenario::new(&response(b"")) }.run();
        assert_eq!(outcome.result, Err(TransferError::ConnectTimedOut));
        let (sent, received) = outcome.counters;
        assert!(sent.frames > 5 && sent.dropped == sent.frames && sent.corrupted == 0, "{sent:?}");
        assert_eq!(received.frames, 0);
    });
}
