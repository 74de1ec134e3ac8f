//! Where connections wait that have sent nothing yet.
//!
//! Each is an entry in a map and in an epoll set of their own, not a task with a timer and a waiter for
//! the stop, so that silence costs next to nothing.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::net::{self, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::{Errno, retry_on_intr};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::connection::{self, Stop};
use super::limits::Place;
use super::outcome::{End, Outcome, Record};
use super::{Running, watch_readable};

/// How many are let in at a time before it is another task's turn.
const BATCH: usize = 64;

/// An event, then none until it is asked for again: whoever is let in is watched elsewhere.
const IN_ONCE: epoll::EventFlags =
    epoll::EventFlags::IN.union(epoll::EventFlags::RDHUP).union(epoll::EventFlags::ONESHOT);

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// A connection that is accepted. Dropped first to last: the place must outlive the socket.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) stream: net::TcpStream,
    pub(super) place: Place,
    pub(super) peer: SocketAddr,
    pub(super) accepted: Instant,
}

impl Guest {
    /// Closes the connection, and logs why.
    pub(super) fn leave(self, outcome: Outcome) {
        Record::new(self.peer, self.accepted).finish(outcome);
    }
}

/// Has each of the `arrivals` served once it has sent something. After `stop` it returns when those have
/// ended, or their grace has.
pub(super) async fn run(
    running: Arc<Running>,
    mut arrivals: UnboundedReceiver<Guest>,
    mut stop: Stop,
) -> io::Result<()> {
    let epoll = watch_readable(epoll::create(epoll::CreateFlags::CLOEXEC)?)?;
    let mut lobby = Lobby::new(running);
    loop {
        let deadline = lobby.deadline();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(guest) = arrivals.recv() => lobby.take(&epoll, guest),
            ready = epoll.readable() => {
                let mut ready = ready?;
                if !lobby.let_in(&epoll)? {
                    ready.clear_ready();
                }
            }
            () = silence(deadline), if deadline.is_some() => lobby.close_silent(),
            Some(_) = lobby.exchanges.join_next() => {}
        }
    }
    // What has come by now is served.
    arrivals.close();
    while let Ok(guest) = arrivals.try_recv() {
        lobby.take(&epoll, guest);
    }
    while lobby.let_in(&epoll)? {}
    mem::take(&mut lobby.waiting).into_values().for_each(|it| it.leave((End::Stopped, None)));
    super::end(&mut lobby.exchanges, lobby.running.shared.config.grace).await;
    Ok(())
}

async fn silence(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        time::sleep_until(deadline).await;
    }
}

struct Lobby {
    running: Arc<Running>,
    /// In the order in which they came, so that the first one's time is over first.
    waiting: BTreeMap<u64, Guest>,
    came: u64,
    exchanges: JoinSet<()>,
}

impl Lobby {
    fn new(running: Arc<Running>) -> Self {
        Self { running, waiting: BTreeMap::new(), came: 0, exchanges: JoinSet::new() }
    }

    fn take(&mut self, epoll: &AsyncFd<OwnedFd>, guest: Guest) {
        self.came = self.came.wrapping_add(1);
        let (data, flags) = (epoll::EventData::new_u64(self.came), IN_ONCE);
        let added = match epoll::add(epoll, &guest.stream, data, flags) {
            // It was let in before, for nothing.
            Err(Errno::EXIST) => epoll::modify(epoll, &guest.stream, data, flags),
            added => added,
        };
        match added {
            Ok(()) => drop(self.waiting.insert(self.came, guest)),
            Err(errno) => guest.leave((End::ServerFault, Some(errno.to_string().into()))),
        }
    }

    /// Has some of those served that have sent something; whether there were any.
    fn let_in(&mut self, epoll: &AsyncFd<OwnedFd>) -> io::Result<bool> {
        let mut events = Vec::with_capacity(BATCH);
        retry_on_intr(|| epoll::wait(epoll, spare_capacity(&mut events), Some(&AT_ONCE)))?;
        for event in &events {
            let Some(guest) = self.waiting.remove(&event.data.u64()) else { continue };
            if let Some(exchange) = connection::begin(&self.running, guest) {
                self.exchanges.spawn(exchange);
            }
        }
        Ok(!events.is_empty())
    }

    /// When the next one's time is over.
    fn deadline(&self) -> Option<Instant> {
        let (_, first) = self.waiting.first_key_value()?;
        first.accepted.checked_add(self.running.shared.config.request_deadline)
    }

    /// R6: they get no response.
    fn close_silent(&mut self) {
        let now = Instant::now();
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            if let Some((_, guest)) = self.waiting.pop_first() {
                guest.leave((End::Deadline, Some("nothing had come of a request (R6)".into())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_waits_needs_little() {
        assert!(size_of::<(u64, Guest)>() <= 104, "{}", size_of::<(u64, Guest)>());
    }
}
