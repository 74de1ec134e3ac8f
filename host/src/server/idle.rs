//! The idle set: connections that have sent nothing yet.
//!
//! Each is an entry in a map and in an epoll set of their own, not a task with a timer and a waiter
//! for the shutdown. So an idle connection costs little memory: 10,000 of them 14 MB less than as
//! tasks.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::{Errno, retry_on_intr};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::access_log::{EndReason, ExchangeEnd};
use super::connection::{self, AcceptedConnection, FirstRead, async_fd_readable};
use super::context::ServerContext;
use super::shutdown;

/// How many connections are dispatched before other tasks of the thread have their turn. Each takes
/// one read and a new task: all together less time than a millisecond.
const DISPATCH_BATCH: usize = 64;

/// One event at the first byte or at the end, then none until armed again: from then on the
/// exchange waits for its socket itself.
const READABLE_ONCE: epoll::EventFlags =
    epoll::EventFlags::IN.union(epoll::EventFlags::RDHUP).union(epoll::EventFlags::ONESHOT);

/// A timeout for epoll, which then returns what there is.
const NO_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// The epoll set that idle connections are registered in.
///
/// # Errors
///
/// If there is no descriptor for the set, or the runtime can't wait for events.
pub(super) fn epoll_set() -> io::Result<AsyncFd<OwnedFd>> {
    async_fd_readable(epoll::create(epoll::CreateFlags::CLOEXEC)?)
}

/// Keeps the `incoming` connections until they send something, then runs their exchanges. After the
/// shutdown returns once those exchanges have ended or the grace is over.
///
/// # Errors
///
/// If epoll fails.
pub(super) async fn run(
    context: Arc<ServerContext>,
    epoll: AsyncFd<OwnedFd>,
    mut incoming: UnboundedReceiver<AcceptedConnection>,
) -> io::Result<()> {
    let mut shutdown = context.shutdown.clone();
    let mut idle = IdleConnections::new(context);
    loop {
        let deadline = idle.next_deadline();
        tokio::select! {
            () = shutdown.requested() => break,
            Some(connection) = incoming.recv() => idle.register(&epoll, connection),
            ready = epoll.readable() => {
                let mut ready = ready?;
                if !idle.dispatch_ready(&epoll)? {
                    ready.clear_ready();
                }
            }
            () = sleep_until(deadline), if deadline.is_some() => idle.close_overdue(),
            Some(_) = idle.exchanges.join_next() => {}
        }
    }
    // A request that has arrived by now is still answered.
    incoming.close();
    while let Ok(connection) = incoming.try_recv() {
        idle.register(&epoll, connection);
    }
    while idle.dispatch_ready(&epoll)? {}
    idle.close_all();
    shutdown::drain(&mut idle.exchanges, idle.context.config.grace).await;
    Ok(())
}

/// At most [`DISPATCH_BATCH`] events, without waiting for any.
fn ready_events(epoll: &AsyncFd<OwnedFd>) -> io::Result<Vec<epoll::Event>> {
    let mut events = Vec::with_capacity(DISPATCH_BATCH);
    retry_on_intr(|| epoll::wait(epoll, spare_capacity(&mut events), Some(&NO_WAIT)))?;
    Ok(events)
}

async fn sleep_until(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        time::sleep_until(deadline).await;
    }
}

struct IdleConnections {
    context: Arc<ServerContext>,
    /// By token, which is the data of the epoll event as well. Tokens grow in the order of
    /// acceptance, so the first connection has the earliest deadline.
    connections: BTreeMap<u64, AcceptedConnection>,
    next_token: u64,
    exchanges: JoinSet<()>,
}

impl IdleConnections {
    fn new(context: Arc<ServerContext>) -> Self {
        let exchanges = JoinSet::new();
        Self { context, connections: BTreeMap::new(), next_token: 0, exchanges }
    }

    fn register(&mut self, epoll: &AsyncFd<OwnedFd>, connection: AcceptedConnection) {
        let token = self.next_token;
        self.next_token = token.wrapping_add(1);
        let data = epoll::EventData::new_u64(token);
        let armed = epoll::add(epoll, &connection.stream, data, READABLE_ONCE);
        self.keep(token, connection, armed);
    }

    /// Arms a registered connection again, whose event has brought no byte.
    fn rearm(&mut self, epoll: &AsyncFd<OwnedFd>, token: u64, connection: AcceptedConnection) {
        let data = epoll::EventData::new_u64(token);
        let armed = epoll::modify(epoll, &connection.stream, data, READABLE_ONCE);
        self.keep(token, connection, armed);
    }

    fn keep(&mut self, token: u64, connection: AcceptedConnection, armed: Result<(), Errno>) {
        match armed {
            Ok(()) => drop(self.connections.insert(token, connection)),
            Err(errno) => connection.close(ExchangeEnd::fault(&errno)),
        }
    }

    /// Dispatches some connections that have sent something. Returns whether there were any.
    fn dispatch_ready(&mut self, epoll: &AsyncFd<OwnedFd>) -> io::Result<bool> {
        let events = ready_events(epoll)?;
        for event in &events {
            self.dispatch(epoll, event.data.u64());
        }
        Ok(!events.is_empty())
    }

    /// Reads from a connection, and spawns its exchange if there is something to read.
    fn dispatch(&mut self, epoll: &AsyncFd<OwnedFd>, token: u64) {
        let Some(connection) = self.connections.remove(&token) else { return };
        match connection::first_read(&self.context, connection) {
            FirstRead::Idle(connection) => self.rearm(epoll, token, connection),
            FirstRead::Exchange(exchange) => drop(self.exchanges.spawn(exchange)),
        }
    }

    /// When the first connection must have sent a request.
    fn next_deadline(&self) -> Option<Instant> {
        let (_, first) = self.connections.first_key_value()?;
        first.accepted_at.checked_add(self.context.config.request_deadline)
    }

    /// R6: closes, without a response, the connections whose deadline is over.
    fn close_overdue(&mut self) {
        let now = Instant::now();
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            if let Some((_, connection)) = self.connections.pop_first() {
                let reason = "nothing had come of a request (R6)";
                connection.close(ExchangeEnd::because(EndReason::Deadline, reason));
            }
        }
    }

    fn close_all(&mut self) {
        for connection in mem::take(&mut self.connections).into_values() {
            connection.close(EndReason::Stopped.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;
    use crate::server::config::Config;
    use crate::server::file::{Bulkheads, CurrentRoot, Root, RootOptions};
    use crate::server::limits::Limits;

    #[test]
    fn an_idle_connection_needs_little() {
        let size = size_of::<(u64, AcceptedConnection)>();
        assert!(size <= 104, "{size}");
    }

    fn context() -> Arc<ServerContext> {
        let root = Root::open("/", RootOptions::default()).unwrap();
        Arc::new(ServerContext {
            root: Arc::new(CurrentRoot::new(root)),
            config: Config::default(),
            bulkheads: Arc::new(Bulkheads::new(&Config::default())),
            limits: Arc::new(Limits::new(1, 1, 0)),
            shutdown: shutdown::channel().1,
        })
    }

    /// A connection, a second descriptor of its socket, and its peer.
    async fn accepted(context: &ServerContext) -> (AcceptedConnection, TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let second = stream.try_clone().unwrap();
        let permit = context.limits.acquire_connection().await;
        let slot = context.limits.try_acquire(permit, peer).unwrap();
        let accepted_at = Instant::now();
        (AcceptedConnection { stream, slot, peer, accepted_at }, second, client)
    }

    fn wait_until_readable(socket: &TcpStream) {
        let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ready, 1, "nothing came");
    }

    /// No peer can cause an event without a byte, but poll(2) and epoll(7) allow one.
    #[tokio::test]
    async fn a_connection_whose_event_brings_nothing_stays_idle_and_is_served_later() {
        let context = context();
        let (connection, socket, mut client) = accepted(&context).await;
        let epoll = epoll_set().unwrap();
        let mut idle = IdleConnections::new(context);
        idle.register(&epoll, connection);
        assert!(!idle.dispatch_ready(&epoll).unwrap(), "it has sent nothing");
        client.write_all(b"x").unwrap();
        wait_until_readable(&socket);
        let events = ready_events(&epoll).unwrap();
        rustix::net::recv(&socket, &mut [0; 1][..], rustix::net::RecvFlags::empty()).unwrap();
        idle.dispatch(&epoll, events[0].data.u64());
        assert_eq!((idle.connections.len(), idle.exchanges.len()), (1, 0), "it stays idle");
        client.write_all(b"y").unwrap();
        wait_until_readable(&socket);
        assert!(idle.dispatch_ready(&epoll).unwrap());
        assert_eq!((idle.connections.len(), idle.exchanges.len()), (0, 1), "it is served");
    }
}
