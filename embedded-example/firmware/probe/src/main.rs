//! A request out, a response in, nothing else: what the codec weighs in flash, and in RAM.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use fetchlet_codec::{Download, Event, Filename, Request};

/// As long as the client without I/O is, for whoever reads the symbol table.
static DOWNLOAD: [u8; size_of::<Download<64>>()] = [0; size_of::<Download<64>>()];

#[entry]
fn main() -> ! {
    black_box(&DOWNLOAD);
    loop {
        black_box(exchange(black_box("a"), black_box(&[]), black_box(&mut [])));
    }
}

/// How many bytes a file had; none if it is not whole.
#[inline(never)]
fn exchange(name: &str, mut response: &[u8], request: &mut [u8]) -> Option<u32> {
    let mut download = Download::<64>::new(Request::new(Filename::new(name).ok()?));
    black_box(download.transmit(request));
    let mut len = 0;
    while let Some(event) = download.receive(&mut response).ok()? {
        match event {
            Event::Header(header) => len = header.data_len(),
            Event::Data(data) => drop(black_box(data)),
            Event::End => {}
        }
    }
    download.finish().ok()?;
    Some(len)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
