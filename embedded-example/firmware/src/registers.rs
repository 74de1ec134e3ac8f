//! The chip's registers that the firmware uses. All unsafe access to the hardware is in this file.
#![expect(unsafe_code, reason = "a register is an address that only the data sheet vouches for")]

use core::ptr;

use cortex_m::peripheral::NVIC;
use lm3s6965::Interrupt;

/// A register by its address in the data sheet. None of these registers starts a transfer into
/// memory, so any value may be written without breaking Rust's guarantees.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Register {
    /// Raw interrupt status of the system control, which says whether the PLL has locked.
    SystemRis = 0x400F_E050,
    /// Run-mode clock configuration.
    Rcc = 0x400F_E060,
    /// Run-mode clock gating of, among others, the MAC and its PHY.
    Rcgc2 = 0x400F_E108,
    /// Raw interrupt status of the MAC; a bit that is written is acknowledged.
    Ris = 0x4004_8000,
    /// Interrupt mask.
    Im = 0x4004_8004,
    /// Receiver control.
    Rctl = 0x4004_8008,
    /// Transmitter control.
    Tctl = 0x4004_800C,
    /// Both FIFOs: reads receive, writes transmit.
    Data = 0x4004_8010,
    /// The first four bytes of the MAC address.
    Ia0 = 0x4004_8014,
    /// The last two bytes of the MAC address.
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
        // SAFETY: as above; and no register here starts a transfer into memory.
        unsafe { ptr::write_volatile(self as usize as *mut u32, value) }
    }

    #[inline(always)]
    pub(crate) fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }
}

/// Enables the MAC's interrupt.
pub(crate) fn unmask_ethernet() {
    // SAFETY: no critical section rests on this interrupt being masked: its handler shares no
    // memory.
    unsafe { NVIC::unmask(Interrupt::ETHERNET) }
}

/// The most bytes of stack in use since the start, and the size of the stack. The feature
/// `paint-stack` of cortex-m-rt has filled the stack with a pattern before `main`.
pub(crate) fn stack() -> (usize, usize) {
    /// The pattern, `STACK_PAINT_VALUE` of cortex-m-rt.
    const PAINT: u32 = 0xCCCC_CCCC;
    unsafe extern "C" {
        static mut _stack_start: u32;
        static mut _stack_end: u32;
    }
    let start = &raw const _stack_start;
    let end = &raw const _stack_end;
    let mut word = end;
    while word < start {
        // SAFETY: `word` is in RAM, between the stack's ends. Volatile: no Rust object is there.
        if unsafe { ptr::read_volatile(word) } != PAINT {
            break;
        }
        word = word.wrapping_add(1);
    }
    (start as usize - word as usize, start as usize - end as usize)
}
