//! The end of the program: QEMU exits with 0 or 1, after a panic or a fault as well.
#![expect(unsafe_code, reason = "cortex-m-rt wants HardFault to be unsafe; nobody calls it")]

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use semihosting::process;

/// Ends the program; QEMU exits with 0 after a success, else with 1.
pub(crate) fn exit(success: bool) -> ! {
    process::exit(i32::from(!success))
}

/// The place of a panic costs a tenth of the flash, for the file names of every crate and
/// `core::fmt`: it is logged only by the feature `panic-location`.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    match info.location().filter(|_| cfg!(feature = "panic-location")) {
        Some(at) => defmt::error!("panicked at {=str}:{=u32}", at.file(), at.line()),
        None => defmt::error!("panicked; the feature panic-location says where"),
    }
    exit(false)
}

/// Ends the program after `defmt::panic!` and the like, which have logged already.
#[defmt::panic_handler]
fn defmt_panic() -> ! {
    exit(false)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#010x}", frame.pc());
    exit(false)
}
