//! Microseconds since the start, from SysTick: a tick each millisecond and the cycles since.

use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use smoltcp::time::Instant;

use crate::registers::Register;

const CYCLES_PER_US: u32 = 50;
const RELOAD: u32 = CYCLES_PER_US * 1000 - 1;

/// 49 days until it wraps, at 1 kHz.
static TICKS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    TICKS.store(TICKS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// The last time that was given to anybody.
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

/// 200 MHz of the PLL, which the board's crystal of 8 MHz feeds, divided by 4.
fn to_50_mhz() {
    const DIVIDE_BY_4: u32 = 3 << 23 | 1 << 22;
    const BYPASS: u32 = 1 << 11;
    const CRYSTAL_8_MHZ: u32 = 0xE << 6;
    const PLL_LOCKED: u32 = 1 << 6;
    // The PLL is up and asked to lock while the crystal itself is the clock.
    Register::Rcc.write(DIVIDE_BY_4 | BYPASS | CRYSTAL_8_MHZ);
    while Register::SystemRis.read() & PLL_LOCKED == 0 {}
    Register::Rcc.write(DIVIDE_BY_4 | CRYSTAL_8_MHZ);
}

/// It never goes back, though QEMU may be late with a tick, or swallow one on a loaded host.
fn micros() -> u64 {
    interrupt::free(|section| {
        let mut cycles = SYST::get_current();
        // No tick is counted in here, but one may be due.
        let due = SCB::is_pendst_pending();
        if due {
            cycles = SYST::get_current();
        }
        let ticks = u64::from(TICKS.load(Ordering::Relaxed)) + u64::from(due);
        let since = RELOAD.saturating_sub(cycles) / CYCLES_PER_US;
        let last = LAST.borrow(section);
        last.set(last.get().max(ticks * 1000 + u64::from(since)));
        last.get()
    })
}

defmt::timestamp!("{=u64:us}", micros());
