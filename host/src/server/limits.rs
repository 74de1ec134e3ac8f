//! How many connections and files a server has at once, in all and per peer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time;

/// The slots of a server, and which peers hold them.
#[derive(Debug)]
pub(super) struct Limits {
    connections: Arc<Semaphore>,
    files: Semaphore,
    max_per_peer: Option<NonZeroUsize>,
    held_by_peer: Mutex<HashMap<PeerKey, usize>>,
}

impl Limits {
    pub(super) fn new(connections: usize, files: usize, max_per_peer: usize) -> Self {
        let connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        let files = files.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            connections: Arc::new(Semaphore::new(connections)),
            files: Semaphore::new(files),
            max_per_peer: NonZeroUsize::new(max_per_peer),
            held_by_peer: Mutex::default(),
        }
    }

    /// Waits until the server may have one more connection.
    pub(super) async fn acquire_connection(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.connections).acquire_owned().await {
            Ok(permit) => permit,
            // The semaphore was closed, which no code does.
            Err(_) => pending().await,
        }
    }

    /// Waits until the server may have one more file open. `None`: that took longer than `timeout`.
    pub(super) async fn acquire_file(&self, timeout: Duration) -> Option<SemaphorePermit<'_>> {
        match self.files.try_acquire() {
            Ok(permit) => Some(permit),
            // Boxed: a connection that need not wait shall not hold the memory of this future.
            Err(_) => Box::pin(time::timeout(timeout, self.files.acquire())).await.ok()?.ok(),
        }
    }

    /// Turns `permit` into the slot of a connection from `address`. `None`: that peer has as many
    /// as it may have.
    pub(super) fn try_acquire(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        address: SocketAddr,
    ) -> Option<ConnectionSlot> {
        let Some(max) = self.max_per_peer else {
            return Some(ConnectionSlot { _permit: permit, counted: None });
        };
        let peer = PeerKey::of(address.ip());
        let mut held_by_peer = self.lock();
        let held = held_by_peer.entry(peer).or_default();
        if *held >= max.get() {
            return None;
        }
        *held = held.saturating_add(1);
        Some(ConnectionSlot { _permit: permit, counted: Some((Arc::clone(self), peer)) })
    }

    /// Locks the counts. No code panics while it holds the lock, and the counts would stay right.
    fn lock(&self) -> MutexGuard<'_, HashMap<PeerKey, usize>> {
        self.held_by_peer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's right to be served, which its drop gives back. Drop the socket before: a slot
/// that is free while its socket is still open would let the server exceed its limit of
/// descriptors.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    _permit: OwnedSemaphorePermit,
    counted: Option<(Arc<Limits>, PeerKey)>,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let Some((limits, peer)) = &self.counted else {
            return;
        };
        if let Entry::Occupied(mut held) = limits.lock().entry(*peer) {
            match held.get().checked_sub(1) {
                None | Some(0) => drop(held.remove()),
                Some(left) => *held.get_mut() = left,
            }
        }
    }
}

/// The addresses that count as one peer. IPv6: a /64, since a household or a rented machine has a
/// whole one to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PeerKey {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl PeerKey {
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn slot(limits: &Arc<Limits>, ip: &str) -> Option<ConnectionSlot> {
        let permit = limits.acquire_connection().await;
        limits.try_acquire(permit, SocketAddr::new(ip.parse().unwrap(), 9))
    }

    #[tokio::test]
    async fn a_peer_is_an_ipv4_address_or_an_ipv6_64() {
        let limits = Arc::new(Limits::new(100, 100, 1));
        let first = slot(&limits, "192.0.2.1").await;
        assert!(first.is_some());
        assert!(slot(&limits, "::ffff:192.0.2.1").await.is_none());
        let other = slot(&limits, "::ffff:192.0.2.2").await;
        assert!(other.is_some());
        let six = slot(&limits, "2001:db8::1").await;
        assert!(six.is_some());
        assert!(slot(&limits, "2001:db8::ffff:2").await.is_none());
        assert!(slot(&limits, "2001:db8:0:1::1").await.is_some());
        drop(first);
        assert!(slot(&limits, "192.0.2.1").await.is_some());
        drop((other, six));
        assert!(limits.lock().is_empty(), "peers that left are forgotten");
        assert_eq!(limits.connections.available_permits(), 100);
    }

    #[tokio::test]
    async fn zero_is_no_limit_per_peer_and_one_connection() {
        let limits = Arc::new(Limits::new(0, 0, 0));
        let held = slot(&limits, "192.0.2.1").await;
        assert!(held.is_some());
        assert_eq!(limits.connections.available_permits(), 0);
    }
}
