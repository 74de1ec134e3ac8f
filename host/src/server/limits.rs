//! Who may connect: so many in all, so many from one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{self, Instant};

/// The places of a server and who holds them.
#[derive(Debug)]
pub(super) struct Limits {
    places: Arc<Semaphore>,
    files: Semaphore,
    per_peer: Option<NonZeroUsize>,
    peers: Mutex<HashMap<Peer, usize>>,
}

impl Limits {
    pub(super) fn new(connections: usize, files: usize, per_peer: usize) -> Self {
        let connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        let files = files.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(connections)),
            files: Semaphore::new(files),
            per_peer: NonZeroUsize::new(per_peer),
            peers: Mutex::default(),
        }
    }

    /// Waits until one more connection may be served; `None` never happens: nothing closes it.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Waits until one more file may be open; `None`: not within `timeout`.
    pub(super) async fn file(&self, timeout: Duration) -> Option<SemaphorePermit<'_>> {
        match self.files.try_acquire() {
            Ok(permit) => Some(permit),
            // Boxed: its room is not needed by a connection that is idle.
            Err(_) => Box::pin(time::timeout(timeout, self.files.acquire())).await.ok()?.ok(),
        }
    }

    /// The place for a connection from `address`, unless too many of its kind have one.
    pub(super) fn place(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        address: SocketAddr,
    ) -> Option<Place> {
        let counted = match self.per_peer {
            None => None,
            Some(most) => {
                let peer = Peer::of(address.ip());
                let mut peers = self.peers();
                let held = peers.entry(peer).or_default();
                if *held >= most.get() {
                    return None;
                }
                *held = held.saturating_add(1);
                Some((Arc::clone(self), peer))
            }
        };
        Some(Place { _permit: permit, counted })
    }

    /// No code panics with it locked, and counts stay right if some did.
    fn peers(&self) -> MutexGuard<'_, HashMap<Peer, usize>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's right to be served, given back when dropped: to be dropped after its socket.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    counted: Option<(Arc<Limits>, Peer)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((limits, peer)) = &self.counted else {
            return;
        };
        if let Entry::Occupied(mut held) = limits.peers().entry(*peer) {
            match held.get().checked_sub(1) {
                None | Some(0) => drop(held.remove()),
                Some(left) => *held.get_mut() = left,
            }
        }
    }
}

/// What counts as one peer. A household or a rented machine has a whole IPv6 /64 to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Peer {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl Peer {
    fn of(address: IpAddr) -> Self {
        // A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d, all of them in one /64.
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// Lets a log line through at most once per interval.
#[derive(Debug)]
pub(super) struct Throttle {
    interval: Duration,
    next: Option<Instant>,
    suppressed: u64,
}

impl Throttle {
    pub(super) const fn new(interval: Duration) -> Self {
        Self { interval, next: None, suppressed: 0 }
    }

    /// `Some`: log now, and say how many were kept back since the last time.
    pub(super) fn pass(&mut self) -> Option<u64> {
        let now = Instant::now();
        if self.next.is_some_and(|next| now < next) {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.next = now.checked_add(self.interval);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn place(limits: &Arc<Limits>, ip: &str) -> Option<Place> {
        let permit = limits.permit().await.unwrap();
        limits.place(permit, SocketAddr::new(ip.parse().unwrap(), 9))
    }

    #[tokio::test]
    async fn a_peer_is_an_ipv4_address_or_an_ipv6_64() {
        let limits = Arc::new(Limits::new(100, 100, 1));
        let first = place(&limits, "192.0.2.1").await;
        assert!(first.is_some());
        assert!(place(&limits, "::ffff:192.0.2.1").await.is_none());
        let other = place(&limits, "::ffff:192.0.2.2").await;
        assert!(other.is_some());
        let six = place(&limits, "2001:db8::1").await;
        assert!(six.is_some());
        assert!(place(&limits, "2001:db8::ffff:2").await.is_none());
        assert!(place(&limits, "2001:db8:0:1::1").await.is_some());
        drop(first);
        assert!(place(&limits, "192.0.2.1").await.is_some());
        drop((other, six));
        assert!(limits.peers().is_empty(), "peers that left are forgotten");
        assert_eq!(limits.places.available_permits(), 100);
    }

    #[tokio::test]
    async fn zero_is_no_cap_per_peer_and_one_connection() {
        let limits = Arc::new(Limits::new(0, 0, 0));
        let held = place(&limits, "192.0.2.1").await;
        assert!(held.is_some());
        assert_eq!(limits.places.available_permits(), 0);
    }

    #[tokio::test]
    async fn a_throttle_counts_what_it_kept_back() {
        let mut throttle = Throttle::new(Duration::from_secs(1));
        assert_eq!(throttle.pass(), Some(0));
        assert_eq!(throttle.pass(), None);
        assert_eq!(throttle.pass(), None);
        throttle.next = Some(Instant::now());
        assert_eq!(throttle.pass(), Some(2));
    }
}
