//! Two clocks: one that jumps to the next event, one that passes.

use core::fmt;
use std::time;

use smoltcp::time::{Duration, Instant};

use super::Monitor;

/// What a visit of all that lives on a segment has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit<T> {
    /// It is over.
    Done(T),
    /// Nothing is to be done before this has passed or a frame arrives; `None`: before a frame does.
    Idle(Option<Duration>),
}

impl<T> Visit<T> {
    /// Idle until the first of these.
    pub fn idle(delays: impl IntoIterator<Item = Option<Duration>>) -> Self {
        Self::Idle(delays.into_iter().flatten().min())
    }
}

/// Why a virtual clock has stopped before the visits were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halted {
    /// No frame is on its way, and nobody waits for a time: nothing will ever happen again.
    Stalled(Instant),
    /// The limit has passed.
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

impl core::error::Error for Halted {}

/// Time that passes only when nothing else is to be done: hours of it in milliseconds, the same in
/// every run.
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
    /// What time it is.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Visits all that lives on a segment until it is done, and jumps to the next arrival or delay in
    /// between.
    ///
    /// # Errors
    ///
    /// [`Halted`] if nothing will happen any more, or `limit` has passed since the call.
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
            // What was sent last may be there already; an end that takes nothing is not waited for.
            let there = segment.next_arrival().is_some_and(|arrival| arrival <= self.now);
            if there && segment.moved() != moved {
                continue;
            }
            let arrival = segment.next_event(self.now);
            // Whoever has more to do at once does it a microsecond later, so that time can't stop.
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

/// Time as it passes: the date of the start and what has passed since, so that it never goes back.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    date: Instant,
    start: time::Instant,
}

impl WallClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { date: Instant::now(), start: time::Instant::now() }
    }

    /// What time it is.
    pub fn now(&self) -> Instant {
        self.date + Duration::from(self.start.elapsed())
    }

    /// What has passed since the start.
    pub fn elapsed(&self) -> time::Duration {
        self.start.elapsed()
    }
}
