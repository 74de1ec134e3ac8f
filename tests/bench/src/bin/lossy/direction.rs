//! Models one direction of a link: a bounded queue, a rate, random losses and a delay, in this
//! order.
//!
//! The model knows no clock and no device: the caller passes the time and the frames.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fetchlet_test_kit::Rng;

/// The rate, the delay and the losses of a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Impairments {
    /// How long a frame travels after its last bit was sent.
    pub(crate) delay: Duration,
    /// How many of a hundred frames are lost, from 0 to 100.
    pub(crate) loss: f64,
    /// The rate, in bits per second.
    pub(crate) rate: u64,
    /// The longest time that a frame may wait in the queue; a frame that would wait longer is
    /// dropped.
    pub(crate) queue: Duration,
}

/// How many frames a direction was given, and how many of them were not delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeliveryCounters {
    pub(crate) frames: u64,
    /// Frames that were lost by chance.
    pub(crate) lost: u64,
    /// Frames that found the queue full.
    pub(crate) overflowed: u64,
}

#[derive(Debug)]
pub(crate) struct LinkDirection {
    impairments: Impairments,
    chance: Rng,
    /// When the last bit of the last frame is sent.
    free_at: Option<Instant>,
    /// Frames that travel, each with the time of its arrival.
    frames: VecDeque<(Instant, Box<[u8]>)>,
    pub(crate) counters: DeliveryCounters,
}

impl LinkDirection {
    /// Makes a direction without frames. The same seed loses the same frames.
    pub(crate) fn new(impairments: Impairments, seed: u64) -> Self {
        let (frames, counters) = (VecDeque::new(), DeliveryCounters::default());
        Self { impairments, chance: Rng::with_seed(seed), free_at: None, frames, counters }
    }

    /// Takes a frame that is sent at `now`.
    pub(crate) fn push(&mut self, now: Instant, frame: &[u8]) {
        self.counters.frames += 1;
        let begins = self.free_at.unwrap_or(now).max(now);
        if begins.saturating_duration_since(now) > self.impairments.queue {
            self.counters.overflowed += 1;
            return;
        }
        let bits = frame.len() as f64 * 8.0;
        let left = begins + Duration::from_secs_f64(bits / self.impairments.rate.max(1) as f64);
        self.free_at = Some(left);
        // A lost frame took its time at the sender, as on a cable.
        if self.is_unlucky() {
            self.counters.lost += 1;
            return;
        }
        self.frames.push_back((left + self.impairments.delay, frame.into()));
    }

    /// Returns the next frame that has arrived at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Box<[u8]>> {
        let (arrives, _) = self.frames.front()?;
        if *arrives > now {
            return None;
        }
        self.frames.pop_front().map(|(_, frame)| frame)
    }

    /// Returns the time at which the next frame arrives.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.frames.front().map(|(arrives, _)| *arrives)
    }

    fn is_unlucky(&mut self) -> bool {
        self.chance.f64() < self.impairments.loss / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// At this rate a frame of 1000 bytes takes a millisecond to send.
    const SLOW: Impairments =
        Impairments { delay: Duration::from_millis(20), loss: 0.0, rate: 8_000_000, queue: MS };

    #[test]
    fn a_frame_arrives_after_its_length_and_the_delay_and_not_before() {
        let (now, mut direction) = (Instant::now(), LinkDirection::new(SLOW, 1));
        direction.push(now, &[1; 1000]);
        direction.push(now, &[2; 1000]);
        assert_eq!(direction.next(), Some(now + 21 * MS));
        assert_eq!(direction.pop(now + 21 * MS - MS / 1000), None);
        assert_eq!(direction.pop(now + 21 * MS).unwrap()[0], 1);
        assert_eq!(direction.pop(now + 21 * MS), None);
        assert_eq!(direction.pop(now + 22 * MS).unwrap()[0], 2);
        assert_eq!(direction.next(), None);
    }

    #[test]
    fn a_full_queue_overflows_and_has_room_again_later() {
        let (now, mut direction) = (Instant::now(), LinkDirection::new(SLOW, 1));
        for _ in 0..5 {
            direction.push(now, &[0; 1000]);
        }
        // The first frame is being sent, the second waits 1 ms; the others would wait longer than
        // the limit of 1 ms.
        assert_eq!(direction.counters, DeliveryCounters { frames: 5, lost: 0, overflowed: 3 });
        direction.push(now + 2 * MS, &[0; 1000]);
        assert_eq!(direction.counters.overflowed, 3);
    }

    #[test]
    fn as_many_are_lost_as_were_asked_for_and_the_same_for_the_same_seed() {
        let survivors = |seed| {
            let mut direction = LinkDirection::new(
                Impairments { loss: 5.0, queue: 1000 * 1000 * MS, ..SLOW },
                seed,
            );
            let now = Instant::now();
            for number in 0_u32..100_000 {
                direction.push(now, &number.to_be_bytes());
            }
            let all =
                std::iter::from_fn(|| direction.pop(now + 1000 * 1000 * MS)).collect::<Vec<_>>();
            assert_eq!(direction.counters.lost, 100_000 - all.len() as u64);
            all
        };
        let first = survivors(7);
        assert!((94_500..95_500).contains(&first.len()), "{}", first.len());
        assert_eq!(first, survivors(7));
        assert_ne!(first, survivors(8));
    }
}
