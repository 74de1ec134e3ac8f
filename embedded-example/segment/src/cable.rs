//! A cable in memory between two network devices: frames take time, get lost and arrive damaged.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use smoltcp::phy::{self, Device, DeviceCapabilities, FaultInjector, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetFrame;

use crate::simplex_link::{FrameCounters, LinkConditions, SimplexLink};

/// The bytes of an Ethernet II header that hold the EtherType (IEEE 802.3, 3.2.6).
const ETHERTYPE: Range<usize> = 12..14;

/// The EtherType of IPv4 (RFC 894).
const IPV4: [u8; 2] = [0x08, 0x00];

/// Connects two endpoints by a cable for frames with up to `mtu` bytes behind the Ethernet header.
/// The conditions `there` hold from the first endpoint to the second, `back` from the second to the
/// first.
///
/// `mtu` counts as 1500 if it is larger: smoltcp's [`FaultInjector`] has room for no more.
pub fn segment(mtu: usize, there: LinkConditions, back: LinkConditions) -> (Endpoint, Endpoint) {
    let (there, back) = (SimplexLink::new(there), SimplexLink::new(back));
    let max_len = EthernetFrame::<&[u8]>::header_len() + mtu.min(1500);
    let first = Port { incoming: Rc::clone(&back), outgoing: Rc::clone(&there), max_len };
    let second = Port { incoming: there, outgoing: back, max_len };
    (Endpoint::new(first, 1), Endpoint::new(second, 2))
}

/// An endpoint without faults.
#[derive(Clone, Debug)]
struct Port {
    incoming: Rc<RefCell<SimplexLink>>,
    outgoing: Rc<RefCell<SimplexLink>>,
    max_len: usize,
}

impl Device for Port {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.max_len;
        capabilities
    }

    fn receive(&mut self, now: Instant) -> Option<(RxToken, TxToken)> {
        let mut link = self.incoming.borrow_mut();
        let frame = link.arrived(now)?;
        link.frames.pop_front();
        drop(link);
        Some((RxToken(frame), self.transmit(now)?))
    }

    fn transmit(&mut self, now: Instant) -> Option<TxToken> {
        Some(TxToken { link: Rc::clone(&self.outgoing), max_len: self.max_len, now })
    }
}

/// One end of a [`segment`]'s cable: a network device.
///
/// Frames that arrive pass smoltcp's [`FaultInjector`]. Frames that leave do not: the injector
/// would apply each chance twice, and flips a bit of a frame to send before the frame is written.
#[derive(Debug)]
pub struct Endpoint {
    port: Port,
    faulty: FaultInjector<Port>,
}

impl Endpoint {
    fn new(port: Port, salt: u64) -> Self {
        let LinkConditions { drop, corrupt, seed, .. } = port.incoming.borrow().conditions;
        let seed = seed.wrapping_add(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // An xorshift generator that starts at 0 stays there, so the lowest bit is set.
        let mut faulty = FaultInjector::new(port.clone(), (seed >> 32) as u32 | 1);
        faulty.set_drop_chance(drop.min(100));
        faulty.set_corrupt_chance(corrupt.min(100));
        Self { port, faulty }
    }

    /// Observes the cable; [`sent`](Monitor::sent) counts the frames that left this endpoint.
    pub fn monitor(&self) -> Monitor {
        let Port { incoming, outgoing, .. } = self.port.clone();
        Monitor { sent: outgoing, received: incoming }
    }
}

impl Device for Endpoint {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken;

    fn capabilities(&self) -> DeviceCapabilities {
        self.port.capabilities()
    }

    /// Goes on after a lost frame: smoltcp takes `None` to mean that no further frame is there.
    fn receive(&mut self, now: Instant) -> Option<(RxToken, TxToken)> {
        loop {
            let original = self.port.incoming.borrow().arrived(now)?;
            let Some((token, _)) = self.faulty.receive(now) else {
                self.port.incoming.borrow_mut().counters.dropped += 1;
                continue;
            };
            let frame: Rc<[u8]> = phy::RxToken::consume(token, |frame| frame.into());
            if frame != original {
                let mut link = self.port.incoming.borrow_mut();
                // ARP has no checksum of its own, and a real adapter drops a damaged frame.
                if original.get(ETHERTYPE) != Some(&IPV4[..]) {
                    link.counters.dropped += 1;
                    continue;
                }
                link.counters.corrupted += 1;
            }
            return Some((RxToken(frame), self.port.transmit(now)?));
        }
    }

    fn transmit(&mut self, now: Instant) -> Option<TxToken> {
        self.port.transmit(now)
    }
}

/// Observes a [`segment`] while its endpoints are in use.
#[derive(Clone, Debug)]
pub struct Monitor {
    sent: Rc<RefCell<SimplexLink>>,
    received: Rc<RefCell<SimplexLink>>,
}

impl Monitor {
    /// Counts of the frames that left the endpoint that this monitor is from.
    pub fn sent(&self) -> FrameCounters {
        self.sent.borrow().counters
    }

    /// Counts of the frames sent to that endpoint.
    pub fn received(&self) -> FrameCounters {
        self.received.borrow().counters
    }

    /// The time when the next frame arrives at either endpoint; in the past if the frame is there
    /// and was not taken.
    pub fn next_arrival(&self) -> Option<Instant> {
        let first = |link: &RefCell<SimplexLink>| link.borrow().frames.front().map(|(at, _)| *at);
        first(&self.sent).into_iter().chain(first(&self.received)).min()
    }

    /// The time of the next arrival after `now`.
    pub(crate) fn next_event(&self, now: Instant) -> Option<Instant> {
        let first = |link: &RefCell<SimplexLink>| link.borrow().frames.front().map(|(at, _)| *at);
        let both = first(&self.sent).into_iter().chain(first(&self.received));
        both.filter(|at| *at > now).min()
    }

    /// A value that changes with each frame that is sent or taken.
    pub(crate) fn moved(&self) -> (u64, usize) {
        let (sent, received) = (self.sent.borrow(), self.received.borrow());
        (sent.counters.frames + received.counters.frames, sent.frames.len() + received.frames.len())
    }
}

/// A frame that has arrived.
#[derive(Debug)]
pub struct RxToken(Rc<[u8]>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// The right to send a frame.
#[derive(Debug)]
pub struct TxToken {
    link: Rc<RefCell<SimplexLink>>,
    max_len: usize,
    now: Instant,
}

impl phy::TxToken for TxToken {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.link.borrow_mut().push(self.now, &frame, self.max_len);
        result
    }
}
