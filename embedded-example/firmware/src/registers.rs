//! The chip's registers, as far as they are used. All that is unsafe about the hardware is in here.
#![expect(unsafe_code, reason = "a register is an address that somebody has to vouch for")]

use core::ptr;

use cortex_m::peripheral::NVIC;
use lm3s6965::Interrupt;

/// A register by its address in the chip's data sheet. None of them moves memory, so that whatever is
/// written to one, Rust's own promises hold.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Register {
    /// Raw interrupt status of the system control, whether the PLL has locked for one.
    SystemRis = 0x400F_E050,
    /// Run-mode clock configuration.
    Rcc = 0x400F_E060,
    /// Run-mode clock gating of, among others, the MAC and its PHY.
    Rcgc2 = 0x400F_E108,
    /// Raw interrupt status; what is written is acknowledged.
    Ris = 0x4004_8000,
    /// Interrupt mask.
    Im = 0x4004_8004,
    /// Receiver control.
    Rctl = 0x4004_8008,
    /// Transmitter control.
    Tctl = 0x4004_800C,
    /// Both FIFOs: reads receive, writes transmit.
    Data = 0x4004_8010,
    /// The hardware address' first four bytes.
    Ia0 = 0x4004_8014,
    /// The hardware address' last two bytes.
    Ia1 = 0x4004_8018,
    /// Number of frames in the receive FIFO.
    Np = 0x4004_8034,
    /// Transmission request: 1 until the frame has left.
    Tr = 0x4004_8038,
}

impl Register {
    #[inline(always)]
    pub(crate) fn read(self) -> u32 {
        // SAFETY: the address is a word-sized register of this chip, by the data sheet.
        unsafe { ptr::read_volatile(self as usize as *const u32) }
    }

    #[inline(always)]
    pub(crate) fn write(self, value: u32) {
        // SAFETY: as above; and the register moves no memory.
        unsafe { ptr::write_volatile(self as usize as *mut u32, value) }
    }

    #[inline(always)]
    pub(crate) fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }
}

/// Lets the MAC interrupt.
pub(crate) fn unmask_ethernet() {
    // SAFETY: no critical section rests on this interrupt being masked: its handler shares no memory.
    unsafe { NVIC::unmask(Interrupt::ETHERNET) }
}

/// How many bytes of stack were ever used, and how many there are. cortex-m-rt's `paint-stack` has
/// filled them all before `main`.
pub(crate) fn stack() -> (usize, usize) {
    const PAINT: u32 = 0xCCCC_CCCC;
    unsafe extern "C" {
        static mut _stack_start: u32;
        static mut _stack_end: u32;
    }
    let start = &raw const _stack_start;
    let end = &raw const _stack_end;
    let mut word = end;
    while word < start {
        // SAFETY: it is in RAM, between the stack's ends. Volatile, since no Rust object is there.
        if unsafe { ptr::read_volatile(word) } != PAINT {
            break;
        }
        word = word.wrapping_add(1);
    }
    (start as usize - word as usize, start as usize - end as usize)
}
