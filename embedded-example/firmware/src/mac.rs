//! The chip's Ethernet MAC as a smoltcp device: one frame at a time, copied by the CPU.

use lm3s6965::interrupt;
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use crate::registers::{Register, unmask_ethernet};

/// The largest Ethernet frame in bytes, without its checksum (IEEE 802.3).
const MAX_FRAME_LEN: usize = 1514;
/// The bytes of the length field that precedes a frame in the FIFOs (data sheet, Ethernet
/// controller).
const LENGTH: usize = 2;
/// The bytes that a received length counts besides the frame: the length field and the checksum.
const OVERHEAD: usize = 6;

// Bits of registers, by the data sheet's chapters on system control and on the Ethernet controller.
/// RCGC2: the MAC is clocked.
const EMAC0: u32 = 1 << 28;
/// RCGC2: the PHY is clocked.
const EPHY0: u32 = 1 << 30;
/// RIS and IM: a frame was received.
const RX: u32 = 1 << 0;
/// RIS: the receive FIFO had no room for a frame.
const RX_OVERRUN: u32 = 1 << 3;
/// RIS: a frame was damaged.
const RX_ERROR: u32 = 1 << 4;
/// RCTL: the receiver is on.
const RX_ENABLE: u32 = 1 << 0;
/// RCTL: frames with a wrong checksum are dropped.
const BAD_CRC_REJECT: u32 = 1 << 3;
/// RCTL: the receive FIFO is emptied.
const FIFO_RESET: u32 = 1 << 4;
/// TCTL: the transmitter is on.
const TX_ENABLE: u32 = 1 << 0;
/// TCTL: short frames are padded to 60 bytes.
const PAD: u32 = 1 << 1;
/// TCTL: the MAC appends the checksum.
const CRC: u32 = 1 << 2;
/// TCTL: full duplex.
const DUPLEX: u32 = 1 << 4;

/// A frame behind its length field, which puts the IP header, 14 bytes into the frame, at a
/// multiple of 4 bytes.
#[repr(align(4))]
pub(crate) struct Frame([u8; MAX_FRAME_LEN + OVERHEAD]);

impl Frame {
    pub(crate) const EMPTY: Self = Self([0; MAX_FRAME_LEN + OVERHEAD]);
}

/// The MAC, with a buffer for one frame in each direction.
pub(crate) struct Mac<'a> {
    received: &'a mut Frame,
    sent: &'a mut Frame,
    /// Counts of frames since the start.
    pub(crate) counters: MacCounters,
}

/// Counts of frames since the start.
#[derive(Clone, Copy, Default, defmt::Format)]
pub(crate) struct MacCounters {
    pub(crate) received: u32,
    pub(crate) sent: u32,
    /// Frames for which the MAC had no room, and frames that were too long or too short.
    pub(crate) dropped: u32,
}

impl<'a> Mac<'a> {
    /// Switches the MAC on and starts to receive.
    pub(crate) fn new(received: &'a mut Frame, sent: &'a mut Frame) -> Self {
        Register::Rcgc2.set(EMAC0 | EPHY0);
        Register::Im.write(0);
        Register::Rctl.write(FIFO_RESET);
        Register::Tctl.write(DUPLEX | CRC | PAD | TX_ENABLE);
        Register::Rctl.write(BAD_CRC_REJECT | RX_ENABLE);
        unmask_ethernet();
        Self { received, sent, counters: MacCounters::default() }
    }

    /// The MAC address that QEMU was given. On a board, write the one from the user registers
    /// first.
    pub(crate) fn address() -> EthernetAddress {
        let [a, b, c, d] = Register::Ia0.read().to_le_bytes();
        let [e, f, ..] = Register::Ia1.read().to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    pub(crate) fn has_frame() -> bool {
        Register::Np.read() != 0
    }

    /// Sleeps until a frame arrives or the clock ticks. A frame that arrives before the sleep is
    /// not missed: a pending interrupt ends `wfi` even while interrupts are off.
    pub(crate) fn sleep() {
        cortex_m::interrupt::free(|_| {
            Register::Ris.write(RX);
            Register::Im.write(RX);
            if !Self::has_frame() {
                cortex_m::asm::wfi();
            }
        });
    }

    /// Reads a frame from the FIFO and returns the frame's end in the buffer.
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
                // The whole frame has to be read: the next read would give its rest.
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

/// Fills `bytes`, a multiple of 4, from the FIFO. With one word per step, half of the
/// instructions would be the loop's.
fn read_words(bytes: &mut [u8]) {
    let word = || Register::Data.read().to_le_bytes();
    let (eights, rest) = bytes.as_chunks_mut::<4>().0.as_chunks_mut::<8>();
    for eight in eights {
        *eight = [word(), word(), word(), word(), word(), word(), word(), word()];
    }
    rest.fill_with(word);
}

/// Masks the interrupt, which is asserted until the frame is read.
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

    /// No `max_burst_size`: QEMU keeps the frames for which its FIFO of 31 has no room. On silicon,
    /// whose FIFO has 2 KiB, use `Some(1)` and no `ack_delay`.
    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME_LEN;
        capabilities
    }
}

/// A received frame.
pub(crate) struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// The right to send a frame.
pub(crate) struct TxToken<'a> {
    frame: &'a mut Frame,
    sent: &'a mut u32,
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        /// The Ethernet header's bytes, which the length field of a frame to send does not count.
        const HEADER: usize = 14;
        let (length, frame) = self.frame.0.split_at_mut(LENGTH);
        // smoltcp keeps to `max_transmission_unit`, else this slice would panic.
        let result = fill(&mut frame[..len]);
        length.copy_from_slice(&(len.saturating_sub(HEADER) as u16).to_le_bytes());
        // The FIFO holds one frame, so the last one has to leave first: 1.2 ms at 10 Mbit/s.
        while Register::Tr.read() & 1 != 0 {}
        for word in self.frame.0[..(LENGTH + len).next_multiple_of(4)].as_chunks::<4>().0 {
            Register::Data.write(u32::from_le_bytes(*word));
        }
        Register::Tr.write(1);
        *self.sent += 1;
        result
    }
}
