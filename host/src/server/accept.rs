//! The accept loop: never ends, never spins, and takes no more connections than there are places.

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
use tokio::task::{JoinSet, coop};
use tokio::time::{self, Instant};

use super::limits::Throttle;
use super::lobby::Guest;
use super::{Running, connection, unsent, watch_readable};

/// The pauses when the system has no room for one more connection.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often it says so.
const ERROR_LOG: Duration = Duration::from_secs(10);
const PEER_LOG: Duration = Duration::from_secs(1);

/// Accepts for ever, and spawns every exchange into `exchanges`.
pub(super) async fn all(
    running: &Arc<Running>,
    listener: TcpListener,
    exchanges: &mut JoinSet<()>,
) -> io::Result<Infallible> {
    // tokio's own listener can't be asked for readiness alone, and a permit held by an idle listener
    // would be one that another listener of the same server lacks.
    let listener = watch_readable(listener.into_std()?)?;
    unsent::prepare(listener.get_ref());
    let mut gate = Gate::new(running);
    loop {
        match gate.next(&listener).await {
            Ok(Some(guest)) => serve(running, guest, gate.is_first(), exchanges).await,
            Ok(None) => {}
            Err(error) => gate.recover(&error).await,
        }
        // Their memory is held until they are joined.
        while exchanges.try_join_next().is_some() {}
        coop::consume_budget().await;
    }
}

/// Serves the first connection of a burst on the spot, as far as that needs no waiting. For a small file
/// that is all, and no task has to be made and scheduled; the others are tasks, for all threads.
async fn serve(running: &Arc<Running>, guest: Guest, is_first: bool, exchanges: &mut JoinSet<()>) {
    let Some(exchange) = connection::begin(running, guest) else { return };
    if !is_first {
        exchanges.spawn(exchange);
        return;
    }
    let mut exchange = Box::pin(exchange);
    let polled = poll_fn(|context| {
        // As in a task of its own, a panic ends this exchange alone.
        let poll = AssertUnwindSafe(|| exchange.as_mut().poll(context));
        Poll::Ready(panic::catch_unwind(poll).unwrap_or(Poll::Ready(())))
    });
    if polled.await.is_pending() {
        exchanges.spawn(exchange);
    }
}

/// What the loop remembers from one connection to the next.
struct Gate<'a> {
    running: &'a Arc<Running>,
    /// How many were accepted since there was none to accept.
    burst: u64,
    pause: Duration,
    errors: Throttle,
    refusals: Throttle,
}

impl<'a> Gate<'a> {
    fn new(running: &'a Arc<Running>) -> Self {
        Self {
            running,
            burst: 0,
            pause: FIRST_PAUSE,
            errors: Throttle::new(ERROR_LOG),
            refusals: Throttle::new(PEER_LOG),
        }
    }

    /// Waits for a connection, then for a place, then accepts.
    async fn next(&mut self, listener: &AsyncFd<net::TcpListener>) -> io::Result<Option<Guest>> {
        let mut ready = listener.readable().await?;
        let Some(permit) = self.running.shared.limits.permit().await else {
            return Ok(None);
        };
        let Ok(accepted) = ready.try_io(accept) else {
            self.burst = 0;
            return Ok(None);
        };
        let (stream, peer) = accepted?;
        self.burst = self.burst.saturating_add(1);
        self.pause = FIRST_PAUSE;
        Ok(self.admit(stream, peer, permit))
    }

    const fn is_first(&self) -> bool {
        self.burst == 1
    }

    fn admit(
        &mut self,
        stream: net::TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> Option<Guest> {
        let accepted = Instant::now();
        let Some(place) = self.running.shared.limits.place(permit, peer) else {
            if let Some(suppressed) = self.refusals.pass() {
                tracing::warn!(%peer, suppressed, "closed at once: too many connections from there");
            }
            return None;
        };
        tracing::debug!(target: "fetchlet::exchange", %peer, "connected");
        Some(Guest { stream, place, peer, accepted })
    }

    /// Goes on at once if only that one connection failed, else after a pause.
    async fn recover(&mut self, error: &io::Error) {
        if concerns_one_connection(error) {
            return tracing::debug!(%error, "a connection was gone before it was accepted");
        }
        if let Some(suppressed) = self.errors.pass() {
            tracing::warn!(%error, suppressed, "cannot accept connections, trying on");
        }
        time::sleep(self.pause).await;
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

fn accept(listener: &AsyncFd<net::TcpListener>) -> io::Result<(net::TcpStream, SocketAddr)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, peer) = acceptfrom_with(listener.get_ref(), flags)?;
    let peer = peer.ok_or(Errno::AFNOSUPPORT)?.try_into()?;
    Ok((socket.into(), peer))
}

/// accept(2): errors already pending on the new connection are passed on as those of `accept`.
/// Every other one, known or not, is waited out: it may well come again at once.
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
