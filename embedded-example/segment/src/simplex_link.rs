//! One direction of a cable: when frames arrive, which get lost, and their counts.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::rc::Rc;

use smoltcp::time::{Duration, Instant};

/// The properties of one direction of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests name the ones they change")]
pub struct LinkConditions {
    /// The rate in bytes per second; `None`: a frame leaves at once.
    pub rate: Option<NonZeroU64>,
    /// The time that a frame takes to arrive after it has left.
    pub latency: Duration,
    /// The most frames on their way at once; further ones are lost.
    pub queue: usize,
    /// The chance in percent that a frame is lost.
    pub drop: u8,
    /// The chance in percent that a frame arrives with a bit flipped.
    pub corrupt: u8,
    /// The seed of the random generator: the same seed gives the same losses.
    pub seed: u64,
}

impl Default for LinkConditions {
    fn default() -> Self {
        Self { rate: None, latency: Duration::ZERO, queue: 4096, drop: 0, corrupt: 0, seed: 1 }
    }
}

/// Counts of the frames of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests compare all counts")]
pub struct FrameCounters {
    /// Frames sent, lost ones included.
    pub frames: u64,
    /// Bytes of the frames sent.
    pub bytes: u64,
    /// Frames lost by chance.
    pub dropped: u64,
    /// Frames that arrived with a bit flipped.
    pub corrupted: u64,
    /// Frames lost because too many were on their way, or because they were too long.
    pub overflowed: u64,
}

/// One direction of a cable, with the frames on their way.
#[derive(Debug)]
pub(crate) struct SimplexLink {
    pub(crate) conditions: LinkConditions,
    /// The time when the last frame has left, in nanoseconds: at a gigabyte per second a frame of
    /// 1514 bytes takes 1.5 µs, which smoltcp's microseconds can't tell.
    free_at: u64,
    pub(crate) frames: VecDeque<(Instant, Rc<[u8]>)>,
    pub(crate) counters: FrameCounters,
}

impl SimplexLink {
    pub(crate) fn new(conditions: LinkConditions) -> Rc<RefCell<Self>> {
        let (frames, counters) = (VecDeque::new(), FrameCounters::default());
        Rc::new(RefCell::new(Self { conditions, free_at: 0, frames, counters }))
    }

    /// Puts a frame on its way, unless the queue is full or the frame longer than `max_len` bytes.
    pub(crate) fn push(&mut self, now: Instant, frame: &[u8], max_len: usize) {
        let len = frame.len() as u64;
        self.counters.frames += 1;
        self.counters.bytes += len;
        if self.frames.len() >= self.conditions.queue || frame.len() > max_len {
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

    /// The first frame, if it has arrived; the frame stays in the queue.
    pub(crate) fn arrived(&self, now: Instant) -> Option<Rc<[u8]>> {
        let (arrives, frame) = self.frames.front()?;
        (*arrives <= now).then(|| Rc::clone(frame))
    }
}
