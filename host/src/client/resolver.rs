//! From a host's name to its addresses, in bounded time.
//!
//! The system's resolver can neither be given a timeout nor be stopped, so it runs in a thread that
//! is left alone once the time is over.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Instant;

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};

/// The most lookups at once in this process, those included that nobody waits for any more. As
/// many threads at most hang on a name service that never answers; more at once than a program has
/// servers with different names.
const MAX_LOOKUPS: usize = 64;

static LOOKUPS: Slots = Slots { taken: Mutex::new(0), freed: Condvar::new() };

/// Returns every address of the host `name`, in the order of the system's resolver, or an error at
/// the latest at `deadline`: [`ErrorKind::NotFound`] if the name service knows no address,
/// [`ErrorKind::InvalidInput`] if no name looks like this, [`ErrorKind::TimedOut`] if there was no
/// answer in time, another kind if the lookup has failed.
pub(super) fn resolve(name: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    let name = name.to_owned();
    let mut addresses = before(deadline, &LOOKUPS, move || look_up(&name))?;
    for address in &mut addresses {
        address.set_port(port);
    }
    Ok(addresses)
}

fn look_up(name: &str) -> io::Result<Vec<SocketAddr>> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(name), None, Some(hints)).map_err(|error| {
        let kind = error.kind();
        let error = io::Error::from(error);
        match kind {
            // To the system an address on an interface that is not there is a name without address.
            LookupErrorKind::NoName if name.contains('%') => {
                io::Error::new(ErrorKind::AddrNotAvailable, error)
            }
            LookupErrorKind::NoName | LookupErrorKind::NoData => {
                io::Error::new(ErrorKind::NotFound, error)
            }
            _ => error,
        }
    })?;
    let addresses = found.map(|found| Ok(found?.sockaddr)).collect::<io::Result<Vec<_>>>()?;
    if addresses.is_empty() {
        return Err(io::Error::new(ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// Returns what `look_up` returns in another thread, or [`ErrorKind::TimedOut`] at `deadline`.
/// Where the system gives no thread, this one waits, however long it takes.
fn before<T: Send + 'static>(
    deadline: Instant,
    slots: &'static Slots,
    look_up: impl FnOnce() -> io::Result<T> + Clone + Send + 'static,
) -> io::Result<T> {
    let slot = slots.take(deadline).ok_or_else(no_answer)?;
    let (answer, answered) = sync_channel(1);
    let in_thread = look_up.clone();
    let thread = Builder::new().name("resolver".into()).spawn(move || {
        let found = in_thread();
        drop(slot);
        // Nobody waits for an answer that comes too late.
        answer.send(found).ok();
    });
    if thread.is_err() {
        return look_up();
    }
    match answered.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(found) => found,
        Err(RecvTimeoutError::Timeout) => Err(no_answer()),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the lookup has panicked")),
    }
}

fn no_answer() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the name service has not answered in time")
}

/// Counts the lookups under way.
struct Slots {
    taken: Mutex<usize>,
    freed: Condvar,
}

/// The right to one lookup; free again when dropped.
struct Slot(&'static Slots);

impl Slots {
    /// Waits for a free slot; `None` if none is free before `deadline`.
    fn take(&'static self, deadline: Instant) -> Option<Slot> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.freed.wait_timeout_while(taken, left, |taken| *taken >= MAX_LOOKUPS);
        let (mut taken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() && *taken >= MAX_LOOKUPS {
            return None;
        }
        *taken += 1;
        Some(Slot(self))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// More than any of these takes.
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_look_up_that_hangs_ends_at_the_deadline_and_so_do_those_beyond_the_bound() {
        static SLOTS: Slots = Slots { taken: Mutex::new(0), freed: Condvar::new() };
        let (release, hang) = channel::<()>();
        let hang = Arc::new(Mutex::new(hang));
        let soon = Instant::now() + Duration::from_millis(50);
        for _ in 0..2 * MAX_LOOKUPS {
            let hang = hang.clone();
            let hung = before(soon, &SLOTS, move || {
                hang.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
                Ok(())
            });
            assert_eq!(hung.unwrap_err().kind(), ErrorKind::TimedOut);
        }
        assert_eq!(*SLOTS.taken.lock().unwrap(), MAX_LOOKUPS);
        // Each lookup ends, and with that there is room for others.
        drop(release);
        assert_eq!(before(Instant::now() + LONG, &SLOTS, || Ok(7)).unwrap(), 7);
    }

    #[test]
    fn a_name_that_does_not_exist_is_told_from_a_look_up_that_failed() {
        let deadline = Instant::now() + LONG;
        // No resolver is asked about names of these forms.
        for (name, kind) in [
            ("a..b", ErrorKind::NotFound),
            ("a\0b", ErrorKind::InvalidInput),
            ("fe80::1%nothing0", ErrorKind::AddrNotAvailable),
        ] {
            assert_eq!(resolve(name, 5000, deadline).unwrap_err().kind(), kind, "{name:?}");
        }
        let loopback = resolve("127.0.0.1", 5000, deadline).unwrap();
        assert_eq!(loopback, [SocketAddr::from(([127, 0, 0, 1], 5000))]);
    }
}
