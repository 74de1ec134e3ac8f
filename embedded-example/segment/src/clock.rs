//! Two clocks: a virtual one that jumps to the next event, and one that runs as time passes.

use std::{fmt, time};

use smoltcp::time::{Duration, Instant};

use crate::cable::Monitor;

/// The result of polling every device on a segment once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is something left to wait for, or not")]
pub enum Visit<T> {
    /// The simulation is over, with this result.
    Done(T),
    /// No device has work before this time has passed or a frame arrives; `None`: before a frame
    /// arrives.
    Idle(Option<Duration>),
}

impl<T> Visit<T> {
    /// Idle until the shortest of `delays` has passed.
    pub fn idle(delays: impl IntoIterator<Item = Option<Duration>>) -> Self {
        Self::Idle(delays.into_iter().flatten().min())
    }
}

/// The reason why a virtual clock stopped before the simulation was over, with the virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Halted {
    /// No frame is on its way and no device waits for a time: nothing will ever happen again.
    Stalled(Instant),
    /// The limit of virtual time has passed.
    Late(Instant),
}

impl fmt::Display for Halted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled(at) => write!(f, "nothing will happen after {at} of virtual time"),
            Self::Late(at) => write!(f, "not done at {at} of virtual time"),
        }
    }
}

impl std::error::Error for Halted {}

/// A clock that advances only while every device is idle: hours pass in milliseconds, and each run
/// is the same.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    now: Instant,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self { now: Instant::ZERO }
    }
}

impl VirtualClock {
    /// The virtual time.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Calls `visit`, which polls every device on the segment, until the simulation is done.
    /// Between two calls the clock jumps to the next arrival of a frame or to the end of the
    /// shortest delay.
    ///
    /// # Errors
    ///
    /// [`Halted`] if nothing will happen any more, or if `limit` has passed since the call.
    pub fn drive<T>(
        &mut self,
        segment: &Monitor,
        limit: Duration,
        mut visit: impl FnMut(Instant) -> Visit<T>,
    ) -> Result<T, Halted> {
        let limit = self.now + limit;
        loop {
            let moved = segment.moved();
            let delay = match visit(self.now) {
                Visit::Done(value) => return Ok(value),
                Visit::Idle(delay) => delay,
            };
            // A frame sent in this visit may have arrived already. A device that takes no frames is
            // not waited for.
            let arrived = segment.next_arrival().is_some_and(|arrival| arrival <= self.now);
            if arrived && segment.moved() != moved {
                continue;
            }
            let arrival = segment.next_event(self.now);
            // A device with further work at once does it a microsecond later, so that time
            // advances.
            let timer = delay.map(|delay| self.now + delay.max(Duration::from_micros(1)));
            let Some(next) = arrival.into_iter().chain(timer).min() else {
                return Err(Halted::Stalled(self.now));
            };
            if next > limit {
                return Err(Halted::Late(self.now));
            }
            self.now = next;
        }
    }
}

/// A clock that runs: the date of its start plus the monotonic time since, so it never goes back.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    date: Instant,
    start: time::Instant,
}

impl WallClock {
    /// Starts the clock.
    pub fn start() -> Self {
        Self { date: Instant::now(), start: time::Instant::now() }
    }

    /// The current time.
    pub fn now(&self) -> Instant {
        self.date + Duration::from(self.start.elapsed())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> time::Duration {
        self.start.elapsed()
    }
}
