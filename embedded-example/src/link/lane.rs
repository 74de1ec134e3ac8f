//! One way of a cable: when frames arrive, and what has become of them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::rc::Rc;

use smoltcp::time::{Duration, Instant};

/// What becomes of frames that go one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// Bytes per second; `None`: a frame leaves at once.
    pub rate: Option<NonZeroU64>,
    /// How long a frame is on its way after it has left.
    pub latency: Duration,
    /// How many frames may be on their way; further ones are lost.
    pub queue: usize,
    /// How many of a hundred frames are lost, by chance.
    pub drop: u8,
    /// How many of a hundred frames arrive with a bit flipped, by chance.
    pub corrupt: u8,
    /// What chance begins with: the same seed, the same losses.
    pub seed: u64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { rate: None, latency: Duration::ZERO, queue: 4096, drop: 0, corrupt: 0, seed: 1 }
    }
}

/// What became of frames that went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames sent, whatever became of them.
    pub frames: u64,
    /// Bytes of frames sent.
    pub bytes: u64,
    /// Frames lost by chance.
    pub dropped: u64,
    /// Frames that arrived damaged.
    pub corrupted: u64,
    /// Frames that found the queue full, or were too long for the segment.
    pub overflowed: u64,
}

/// One way of the cable.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) conditions: Conditions,
    /// When the last frame has left, in nanoseconds: at a gigabyte per second a frame takes 1.5 µs.
    free_at: u64,
    pub(super) frames: VecDeque<(Instant, Rc<[u8]>)>,
    pub(super) counters: Counters,
}

impl Lane {
    pub(super) fn new(conditions: Conditions) -> Rc<RefCell<Self>> {
        let (frames, counters) = (VecDeque::new(), Counters::default());
        Rc::new(RefCell::new(Self { conditions, free_at: 0, frames, counters }))
    }

    pub(super) fn push(&mut self, now: Instant, frame: &[u8], longest: usize) {
        let len = frame.len() as u64;
        self.counters.frames += 1;
        self.counters.bytes += len;
        if self.frames.len() >= self.conditions.queue || frame.len() > longest {
            self.counters.overflowed += 1;
            return;
        }
        let now = u64::try_from(now.total_micros()).unwrap_or_default().saturating_mul(1000);
        let takes = self.conditions.rate.map_or(0, |rate| len * 1_000_000_000 / rate);
        self.free_at = self.free_at.max(now).saturating_add(takes);
        let left = i64::try_from(self.free_at.div_ceil(1000)).unwrap_or(i64::MAX);
        let arrives = Instant::from_micros(left) + self.conditions.latency;
        self.frames.push_back((arrives, frame.into()));
    }

    pub(super) fn due(&self, now: Instant) -> Option<Rc<[u8]>> {
        let (arrives, frame) = self.frames.front()?;
        (*arrives <= now).then(|| Rc::clone(frame))
    }
}
