//! A limit on how often one kind of log line is written.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

/// Lets one log line per interval pass, and counts the others.
#[derive(Debug)]
pub(super) struct LogRateLimit {
    interval: Duration,
    next: Option<Instant>,
    suppressed: u64,
}

impl LogRateLimit {
    pub(super) const fn new(interval: Duration) -> Self {
        Self { interval, next: None, suppressed: 0 }
    }

    /// Asks to write a line. `Some`: the line may be written, and so many were suppressed since the
    /// previous one. `None`: the line is suppressed.
    pub(super) fn try_pass(&mut self) -> Option<u64> {
        let now = Instant::now();
        if self.next.is_some_and(|next| now < next) {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.next = now.checked_add(self.interval);
        Some(mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rate_limit_counts_what_it_suppressed() {
        let mut limit = LogRateLimit::new(Duration::from_secs(1));
        assert_eq!(limit.try_pass(), Some(0));
        assert_eq!(limit.try_pass(), None);
        assert_eq!(limit.try_pass(), None);
        limit.next = Some(Instant::now());
        assert_eq!(limit.try_pass(), Some(2));
    }
}
