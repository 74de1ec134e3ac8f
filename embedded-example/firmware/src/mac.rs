//! The chip's Ethernet MAC as a smoltcp device: one frame at a time, copied by the CPU.

use lm3s6965::interrupt;
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use crate::registers::{Register, unmask_ethernet};

/// Ethernet's largest frame, without its checksum.
const MTU: usize = 1514;
/// The FIFOs hold a frame behind a half-word with its length.
const LENGTH: usize = 2;
/// What a received length counts besides the frame: itself and the frame's checksum.
const OVERHEAD: usize = 6;

// RCGC2.
const EMAC0: u32 = 1 << 28;
const EPHY0: u32 = 1 << 30;
// RIS and IM.
const RX: u32 = 1 << 0;
const RX_OVERRUN: u32 = 1 << 3;
const RX_ERROR: u32 = 1 << 4;
// RCTL.
const RX_ENABLE: u32 = 1 << 0;
const BAD_CRC_REJECT: u32 = 1 << 3;
const FIFO_RESET: u32 = 1 << 4;
// TCTL.
const TX_ENABLE: u32 = 1 << 0;
const PAD: u32 = 1 << 1;
const CRC: u32 = 1 << 2;
const DUPLEX: u32 = 1 << 4;

/// A frame with its length before it: the IP header, 14 bytes into the frame, is then at a word.
#[repr(align(4))]
pub(crate) struct Frame([u8; MTU + OVERHEAD]);

impl Frame {
    pub(crate) const EMPTY: Self = Self([0; MTU + OVERHEAD]);
}

/// The MAC, and room for a frame in each direction.
pub(crate) struct Mac<'a> {
    received: &'a mut Frame,
    sent: &'a mut Frame,
    /// Frames since the start.
    pub(crate) counters: Counters,
}

/// Frames since the start.
#[derive(Clone, Copy, Default, defmt::Format)]
pub(crate) struct Counters {
    pub(crate) received: u32,
    pub(crate) sent: u32,
    /// Frames the MAC had no room for, and ones too long or too short to be any.
    pub(crate) dropped: u32,
}

impl<'a> Mac<'a> {
    /// Powers the MAC up and starts to receive.
    pub(crate) fn new(received: &'a mut Frame, sent: &'a mut Frame) -> Self {
        Register::Rcgc2.set(EMAC0 | EPHY0);
        Register::Im.write(0);
        Register::Rctl.write(FIFO_RESET);
        Register::Tctl.write(DUPLEX | CRC | PAD | TX_ENABLE);
        Register::Rctl.write(BAD_CRC_REJECT | RX_ENABLE);
        unmask_ethernet();
        Self { received, sent, counters: Counters::default() }
    }

    /// The address QEMU was given. On a board, write the one from its user registers here first.
    pub(crate) fn address() -> EthernetAddress {
        let [a, b, c, d] = Register::Ia0.read().to_le_bytes();
        let [e, f, ..] = Register::Ia1.read().to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    pub(crate) fn has_frame() -> bool {
        Register::Np.read() != 0
    }

    /// Sleeps until a frame comes or the clock ticks. A frame that comes meanwhile is not missed:
    /// with interrupts off, one that is pending ends the sleep all the same.
    pub(crate) fn sleep() {
        cortex_m::interrupt::free(|_| {
            Register::Ris.write(RX);
            Register::Im.write(RX);
            if !Self::has_frame() {
                cortex_m::asm::wfi();
            }
        });
    }

    /// Reads a frame off the FIFO, and gives its place in the buffer.
    fn take_frame(&mut self) -> Option<usize> {
        let faults = Register::Ris.read() & (RX_OVERRUN | RX_ERROR);
        if faults != 0 {
            Register::Ris.write(faults);
            self.counters.dropped += 1;
        }
        if !Self::has_frame() {
            return None;
        }
        let first = Register::Data.read();
        let length = usize::from(first as u16);
        let words = length.div_ceil(4);
        match self.received.0.get_mut(..words * 4) {
            Some([a, b, c, d, rest @ ..]) if length > OVERHEAD => {
                [*a, *b, *c, *d] = first.to_le_bytes();
                read_words(rest);
            }
            _ => {
                // All of it has to be read, or the next frame would begin in the middle of this.
                for _ in 1..words {
                    Register::Data.read();
                }
                self.counters.dropped += 1;
                return None;
            }
        }
        self.counters.received += 1;
        Some(length - (OVERHEAD - LENGTH))
    }
}

/// Fills `bytes`, whole words; eight at a step, else half of it were loop.
fn read_words(bytes: &mut [u8]) {
    let word = || Register::Data.read().to_le_bytes();
    let (eights, rest) = bytes.as_chunks_mut::<4>().0.as_chunks_mut::<8>();
    for eight in eights {
        *eight = [word(), word(), word(), word(), word(), word(), word(), word()];
    }
    rest.fill_with(word);
}

/// The handler must not run again before the frame is read: the interrupt follows the level.
#[interrupt]
fn ETHERNET() {
    Register::Im.write(0);
}

impl Device for Mac<'_> {
    type RxToken<'b>
        = RxToken<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = TxToken<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let end = self.take_frame()?;
        let frame = self.received.0.get(LENGTH..end)?;
        Some((RxToken(frame), TxToken { frame: self.sent, sent: &mut self.counters.sent }))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        Some(TxToken { frame: self.sent, sent: &mut self.counters.sent })
    }

    /// No `max_burst_size`: QEMU keeps what the FIFO of 31 frames has no room for. On silicon, whose
    /// FIFO has 2 KiB, say `Some(1)` and set no `ack_delay`.
    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// A frame that was received.
pub(crate) struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// Leave to send a frame.
pub(crate) struct TxToken<'a> {
    frame: &'a mut Frame,
    sent: &'a mut u32,
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        /// What the MAC does not count: it takes the length of the payload.
        const HEADER: usize = 14;
        let (length, frame) = self.frame.0.split_at_mut(LENGTH);
        // smoltcp keeps to the MTU; were it not so, this would be the place to panic.
        let result = fill(&mut frame[..len]);
        length.copy_from_slice(&(len.saturating_sub(HEADER) as u16).to_le_bytes());
        // The FIFO holds one frame: the last one has to have left. At 10 Mbit/s that takes 1.2 ms.
        while Register::Tr.read() & 1 != 0 {}
        for word in self.frame.0[..(LENGTH + len).next_multiple_of(4)].as_chunks::<4>().0 {
            Register::Data.write(u32::from_le_bytes(*word));
        }
        Register::Tr.write(1);
        *self.sent += 1;
        result
    }
}
