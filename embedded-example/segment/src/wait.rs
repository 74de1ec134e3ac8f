//! Waits for descriptors by poll(2), with smoltcp's durations.

use std::io;

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;
use smoltcp::time::Duration;

/// Returns when one of `fds` is ready, at a signal, or after `timeout`; without a timeout only
/// then.
pub(crate) fn wait(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(timeout.micros() as u32) * 1000,
    });
    match poll(fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
