//! How the program ends: QEMU exits with 0 or 1, whatever happened.
#![expect(unsafe_code, reason = "cortex-m-rt wants HardFault to be unsafe; nobody calls it")]

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use semihosting::process;

/// Ends the program.
pub(crate) fn exit(success: bool) -> ! {
    process::exit(i32::from(!success))
}

/// Where it happened costs a tenth of the flash: the file names of every crate, and `core::fmt`.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    match info.location().filter(|_| cfg!(feature = "panic-location")) {
        Some(at) => defmt::error!("panicked at {=str}:{=u32}", at.file(), at.line()),
        None => defmt::error!("panicked; the feature panic-location says where"),
    }
    exit(false)
}

/// `defmt::panic!` and the like have logged already.
#[defmt::panic_handler]
fn defmt_panic() -> ! {
    exit(false)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#010x}", frame.pc());
    exit(false)
}
