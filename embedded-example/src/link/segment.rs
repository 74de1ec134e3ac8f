//! Two ends of a cable in memory: frames take time, get lost and arrive damaged, as they are told.

use core::ops::Range;
use std::cell::RefCell;
use std::rc::Rc;
use std::vec;

use smoltcp::phy::{self, Device, DeviceCapabilities, FaultInjector, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetFrame;

use super::lane::{Conditions, Counters, Lane};

/// Where an Ethernet frame says what is in it, and how it says IPv4.
const TYPE: Range<usize> = 12..14;
const IPV4: [u8; 2] = [0x08, 0x00];

/// A cable between two ends, for frames with up to `mtu` bytes behind the Ethernet header: conditions
/// from the first end to the second, and back.
///
/// `mtu` is at most 1500, which is what smoltcp's [`FaultInjector`] has room for.
pub fn segment(mtu: usize, there: Conditions, back: Conditions) -> (End, End) {
    let (there, back) = (Lane::new(there), Lane::new(back));
    let longest = EthernetFrame::<&[u8]>::header_len() + mtu.min(1500);
    let first = Port { incoming: Rc::clone(&back), outgoing: Rc::clone(&there), longest };
    let second = Port { incoming: there, outgoing: back, longest };
    (End::new(first, 1), End::new(second, 2))
}

/// An end without faults.
#[derive(Clone, Debug)]
struct Port {
    incoming: Rc<RefCell<Lane>>,
    outgoing: Rc<RefCell<Lane>>,
    longest: usize,
}

impl Device for Port {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.longest;
        capabilities
    }

    fn receive(&mut self, now: Instant) -> Option<(RxToken, TxToken)> {
        let mut lane = self.incoming.borrow_mut();
        let frame = lane.due(now)?;
        lane.frames.pop_front();
        drop(lane);
        Some((RxToken(frame), self.transmit(now)?))
    }

    fn transmit(&mut self, now: Instant) -> Option<TxToken> {
        Some(TxToken { lane: Rc::clone(&self.outgoing), longest: self.longest, now })
    }
}

/// One end of a [`segment`]: a network device.
///
/// What arrives goes through smoltcp's [`FaultInjector`]; what leaves does not, since that one flips
/// a bit before the frame is written, and would apply all chances twice.
#[derive(Debug)]
pub struct End {
    port: Port,
    faulty: FaultInjector<Port>,
}

impl End {
    fn new(port: Port, salt: u64) -> Self {
        let Conditions { drop, corrupt, seed, .. } = port.incoming.borrow().conditions;
        let seed = seed.wrapping_add(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The generator inside would stay at 0 for ever.
        let mut faulty = FaultInjector::new(port.clone(), (seed >> 32) as u32 | 1);
        faulty.set_drop_chance(drop.min(100));
        faulty.set_corrupt_chance(corrupt.min(100));
        Self { port, faulty }
    }

    /// What happens on the cable; `sent` is what left this end.
    pub fn monitor(&self) -> Monitor {
        let Port { incoming, outgoing, .. } = self.port.clone();
        Monitor { sent: outgoing, received: incoming }
    }
}

impl Device for End {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken;

    fn capabilities(&self) -> DeviceCapabilities {
        self.port.capabilities()
    }

    /// Goes on after a frame that is lost: for smoltcp, nothing means that nothing more is there.
    fn receive(&mut self, now: Instant) -> Option<(RxToken, TxToken)> {
        loop {
            let original = self.port.incoming.borrow().due(now)?;
            let Some((token, _)) = self.faulty.receive(now) else {
                self.port.incoming.borrow_mut().counters.dropped += 1;
                continue;
            };
            let frame: Rc<[u8]> = phy::RxToken::consume(token, |frame| frame.into());
            if frame != original {
                let mut lane = self.port.incoming.borrow_mut();
                // ARP has no checksum: a real adapter's would have caught it, so here it is lost.
                if original.get(TYPE) != Some(&IPV4[..]) {
                    lane.counters.dropped += 1;
                    continue;
                }
                lane.counters.corrupted += 1;
            }
            return Some((RxToken(frame), self.port.transmit(now)?));
        }
    }

    fn transmit(&mut self, now: Instant) -> Option<TxToken> {
        self.port.transmit(now)
    }
}

/// Looks at a [`segment`] while its ends are in use.
#[derive(Clone, Debug)]
pub struct Monitor {
    sent: Rc<RefCell<Lane>>,
    received: Rc<RefCell<Lane>>,
}

impl Monitor {
    /// What left the end that was asked for this monitor.
    pub fn sent(&self) -> Counters {
        self.sent.borrow().counters
    }

    /// What was sent to it.
    pub fn received(&self) -> Counters {
        self.received.borrow().counters
    }

    /// When the next frame arrives, at either end; one that is there, and not taken, has arrived.
    pub fn next_arrival(&self) -> Option<Instant> {
        let first = |lane: &RefCell<Lane>| lane.borrow().frames.front().map(|(at, _)| *at);
        first(&self.sent).into_iter().chain(first(&self.received)).min()
    }

    /// The next arrival of a frame that is not there yet.
    pub(super) fn next_event(&self, now: Instant) -> Option<Instant> {
        let first = |lane: &RefCell<Lane>| lane.borrow().frames.front().map(|(at, _)| *at);
        let both = first(&self.sent).into_iter().chain(first(&self.received));
        both.filter(|at| *at > now).min()
    }

    /// Changes with each frame that is sent or taken.
    pub(super) fn moved(&self) -> (u64, usize) {
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

/// Room for a frame to send.
#[derive(Debug)]
pub struct TxToken {
    lane: Rc<RefCell<Lane>>,
    longest: usize,
    now: Instant,
}

impl phy::TxToken for TxToken {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.lane.borrow_mut().push(self.now, &frame, self.longest);
        result
    }
}
