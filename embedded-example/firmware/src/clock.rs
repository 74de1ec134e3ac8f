//! The time since the start in microseconds, from SysTick: whole milliseconds, and the cycles
//! since.

use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use smoltcp::time::Instant;

use crate::registers::Register;

/// The CPU's cycles per microsecond at 50 MHz, the chip's highest clock.
const CYCLES_PER_US: u32 = 50;
/// SysTick's reload value for a tick each millisecond.
const RELOAD: u32 = CYCLES_PER_US * 1000 - 1;

/// Milliseconds since the start. The counter wraps after 49 days.
static TICKS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    TICKS.store(TICKS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// The last time returned by [`micros`].
static LAST: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// Sets the CPU's clock to 50 MHz and starts to count.
pub(crate) fn start(mut syst: SYST) {
    to_50_mhz();
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(RELOAD);
    syst.clear_current();
    syst.enable_counter();
    syst.enable_interrupt();
}

/// The time since [`start`].
pub(crate) fn now() -> Instant {
    Instant::from_micros(micros() as i64)
}

/// Sets the CPU's clock to 200 MHz of the PLL, which the board's crystal of 8 MHz feeds, divided by
/// 4.
fn to_50_mhz() {
    // Bits of RCC and RIS, by the data sheet's chapter on system control.
    /// RCC: SYSDIV of 3 and USESYSDIV.
    const DIVIDE_BY_4: u32 = 3 << 23 | 1 << 22;
    /// RCC: the PLL's output is not used.
    const BYPASS: u32 = 1 << 11;
    /// RCC: XTAL for a crystal of 8 MHz.
    const CRYSTAL_8_MHZ: u32 = 0xE << 6;
    /// RIS: the PLL has locked.
    const PLL_LOCKED: u32 = 1 << 6;
    // The crystal itself is the clock until the PLL has locked.
    Register::Rcc.write(DIVIDE_BY_4 | BYPASS | CRYSTAL_8_MHZ);
    while Register::SystemRis.read() & PLL_LOCKED == 0 {}
    Register::Rcc.write(DIVIDE_BY_4 | CRYSTAL_8_MHZ);
}

/// The time since the start in microseconds. The time never goes back, although QEMU may deliver a
/// tick late, or lose one on a loaded host.
fn micros() -> u64 {
    interrupt::free(|section| {
        let mut cycles = SYST::get_current();
        // SysTick's handler does not run in here, but a tick may be pending.
        let pending = SCB::is_pendst_pending();
        if pending {
            cycles = SYST::get_current();
        }
        let ticks = u64::from(TICKS.load(Ordering::Relaxed)) + u64::from(pending);
        let since = RELOAD.saturating_sub(cycles) / CYCLES_PER_US;
        let last = LAST.borrow(section);
        last.set(last.get().max(ticks * 1000 + u64::from(since)));
        last.get()
    })
}

defmt::timestamp!("{=u64:us}", micros());
