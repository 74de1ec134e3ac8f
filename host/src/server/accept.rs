//! The accept loop: it never ends, never spins, and accepts no connection before there is a slot
//! for it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{self, SocketAddr};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use tokio::io::unix::AsyncFd;
use tokio::net::TcpListener;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::error::SendError;
use tokio::task::{JoinSet, coop};
use tokio::time::{self, Instant};

use super::access_log::EndReason;
use super::connection::{self, AcceptedConnection, BoxedExchange, FirstRead, async_fd_readable};
use super::context::ServerContext;
use super::log_rate_limit::LogRateLimit;

/// The first pause after the system had no means for one more connection. Short, since a connection
/// that ends meanwhile gives the means back.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause, which doubling reaches after seven. A peer notices no more than a second's
/// delay.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The least time between two log lines about failed accepts, which fail up to 100 times a second.
const ACCEPT_ERROR_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The least time between two log lines about peers with too many connections, which try as often
/// as they like.
const PEER_LIMIT_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Accepts for ever. A connection that has sent nothing goes to `idle`; the exchange of any other
/// one runs in `exchanges`.
pub(super) async fn run(
    context: &Arc<ServerContext>,
    listener: TcpListener,
    idle: &UnboundedSender<AcceptedConnection>,
    exchanges: &mut JoinSet<()>,
) -> io::Result<Infallible> {
    // tokio's own listener does not wait for readiness alone. An idle listener that waited in
    // `accept` would hold a slot that another listener of the same server lacks.
    let listener = async_fd_readable(listener.into_std()?)?;
    connection::prepare_listener(listener.get_ref());
    let mut accept_loop = AcceptLoop::new(context);
    loop {
        match accept_loop.next(&listener).await {
            Ok(Some(connection)) => {
                let is_first = accept_loop.is_first_of_burst();
                dispatch(context, connection, is_first, idle, exchanges).await;
            }
            Ok(None) => {}
            Err(error) => accept_loop.recover(&error).await,
        }
        // A task that has ended holds its memory until it is joined.
        while exchanges.try_join_next().is_some() {}
        coop::consume_budget().await;
    }
}

/// Puts an accepted connection where it belongs.
async fn dispatch(
    context: &Arc<ServerContext>,
    connection: AcceptedConnection,
    is_first_of_burst: bool,
    idle: &UnboundedSender<AcceptedConnection>,
    exchanges: &mut JoinSet<()>,
) {
    match connection::first_read(context, connection) {
        FirstRead::Idle(connection) => {
            // Fails once the idle set has ended, which is when the server stops.
            if let Err(SendError(connection)) = idle.send(connection) {
                connection.close(EndReason::Stopped.into());
            }
        }
        FirstRead::Exchange(exchange) if is_first_of_burst => run_inline(exchange, exchanges).await,
        FirstRead::Exchange(exchange) => drop(exchanges.spawn(exchange)),
    }
}

/// Runs an exchange here as far as it need not wait, and the rest, if any, as a task. An exchange
/// of a small file never waits, so the first one of a burst needs no task to be made and scheduled.
/// The other ones of a burst are tasks, for all threads.
async fn run_inline(mut exchange: BoxedExchange, exchanges: &mut JoinSet<()>) {
    let polled = poll_fn(|context| {
        // A panic ends this exchange alone, as in a task of its own.
        let poll = AssertUnwindSafe(|| exchange.as_mut().poll(context));
        Poll::Ready(panic::catch_unwind(poll).unwrap_or(Poll::Ready(())))
    });
    if polled.await.is_pending() {
        exchanges.spawn(exchange);
    }
}

/// What the loop remembers from one connection to the next.
struct AcceptLoop<'a> {
    context: &'a ServerContext,
    /// How many connections were accepted since the backlog was empty.
    burst: u64,
    pause: Duration,
    accept_error_log: LogRateLimit,
    peer_limit_log: LogRateLimit,
}

impl<'a> AcceptLoop<'a> {
    const fn new(context: &'a ServerContext) -> Self {
        Self {
            context,
            burst: 0,
            pause: FIRST_PAUSE,
            accept_error_log: LogRateLimit::new(ACCEPT_ERROR_LOG_INTERVAL),
            peer_limit_log: LogRateLimit::new(PEER_LIMIT_LOG_INTERVAL),
        }
    }

    /// Waits for a connection, then for a slot, then accepts. `None`: there is no connection to
    /// serve yet.
    async fn next(
        &mut self,
        listener: &AsyncFd<net::TcpListener>,
    ) -> io::Result<Option<AcceptedConnection>> {
        let mut ready = listener.readable().await?;
        let permit = self.context.limits.acquire_connection().await;
        let Ok(accepted) = ready.try_io(accept) else {
            self.burst = 0;
            return Ok(None);
        };
        let (stream, peer) = accepted?;
        self.burst = self.burst.saturating_add(1);
        self.pause = FIRST_PAUSE;
        Ok(self.admit(stream, peer, permit))
    }

    const fn is_first_of_burst(&self) -> bool {
        self.burst == 1
    }

    /// Admits a connection, unless its peer has as many as it may have.
    fn admit(
        &mut self,
        stream: net::TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> Option<AcceptedConnection> {
        let accepted_at = Instant::now();
        let Some(slot) = self.context.limits.try_acquire(permit, peer) else {
            if let Some(suppressed) = self.peer_limit_log.try_pass() {
                tracing::warn!(%peer, suppressed, "closed at once: too many connections from there");
            }
            return None;
        };
        tracing::debug!(target: "fetchlet::exchange", %peer, "connected");
        Some(AcceptedConnection { stream, slot, peer, accepted_at })
    }

    /// Returns at once if an accept failed because of its connection, else after a pause.
    async fn recover(&mut self, error: &io::Error) {
        if concerns_one_connection(error) {
            return tracing::debug!(%error, "a connection was gone before it was accepted");
        }
        // A caller that stops may shut its listener down first: this loop then ends within the
        // pause.
        let may_stop = is_shut_down(error) && self.pause == FIRST_PAUSE;
        if !may_stop && let Some(suppressed) = self.accept_error_log.try_pass() {
            tracing::warn!(%error, suppressed, "cannot accept connections, trying on");
        }
        time::sleep(self.pause).await;
        self.pause = self.pause.saturating_mul(2).min(MAX_PAUSE);
    }
}

fn accept(listener: &AsyncFd<net::TcpListener>) -> io::Result<(net::TcpStream, SocketAddr)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, peer) = acceptfrom_with(listener.get_ref(), flags)?;
    let peer = peer.ok_or(Errno::AFNOSUPPORT)?.try_into()?;
    Ok((socket.into(), peer))
}

/// Whether accept(2) passed on an error of the connection that it was about to accept. After any
/// other error, known or not, the loop pauses, since the next accept may fail in the same way.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::INTR
                | Errno::NETDOWN
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::HOSTDOWN
                | Errno::NONET
                | Errno::HOSTUNREACH
                | Errno::NETUNREACH
                | Errno::OPNOTSUPP
        )
    )
}

/// Whether the listener listens no more, accept(2).
fn is_shut_down(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_descriptors_or_memory_is_waited_out() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::BADF] {
            assert!(!concerns_one_connection(&errno.into()), "{errno}");
        }
        for errno in [Errno::CONNABORTED, Errno::INTR, Errno::NETDOWN, Errno::PROTO] {
            assert!(concerns_one_connection(&errno.into()), "{errno}");
        }
    }
}
