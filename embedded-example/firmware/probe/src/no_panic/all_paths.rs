//! Calls every path through the codec with inputs unknown to the compiler. The linked program then
//! holds all code that the codec can reach; the check `no-panic` looks for a panic in it.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use embedded_io::{ErrorType, Read, Write};
use fetchlet_codec::{
    Download, Filename, Request, RequestDecoder, ResponseDecoder, ResponseHeader, Status,
    embedded_io::fetch,
};

#[entry]
fn main() -> ! {
    loop {
        let mut out = black_box([0; 64]);
        let len = black_box(64_usize).min(out.len());
        let (out, _) = out.split_at_mut(len);
        requests::<1024>(black_box(&[]));
        requests::<64>(black_box(&[]));
        responses(black_box(&[]), black_box(7), out);
        client(black_box("a"), black_box(&[]), out);
        planted(black_box(&[]));
    }
}

fn requests<const N: usize>(pieces: &[&[u8]]) {
    let mut decoder = RequestDecoder::<N>::new();
    for piece in pieces {
        let mut input = *piece;
        used(decoder.decode(&mut input));
        black_box((decoder.received(), input));
    }
}

fn responses(pieces: &[&[u8]], len: u32, out: &mut [u8]) {
    let mut decoder = ResponseDecoder::new();
    for piece in pieces {
        let mut input = *piece;
        if let Ok(Some(header)) = decoder.decode(&mut input) {
            black_box((header.status(), header.data_len(), header.encode()));
        }
        black_box((decoder.received(), input));
    }
    black_box(ResponseHeader::file(len).encode());
    black_box(ResponseHeader::without_data(black_box(Status::NotFound)).encode());
    black_box(out);
}

fn client(name: &str, pieces: &[&[u8]], out: &mut [u8]) {
    let Ok(name) = Filename::<64>::new(name) else { return };
    let request = Request::new(name.clone());
    used(request.encode(out));
    let mut download = Download::new(request);
    black_box((
        download.transmit(out),
        download.wants_transmit(),
        download.request().encoded_len(),
    ));
    for piece in pieces {
        let mut input = *piece;
        while let Ok(Some(event)) = download.receive(&mut input) {
            black_box(event);
        }
        black_box((download.is_done(), download.progress(), input));
    }
    used(download.finish());
    used(fetch(name, &mut Opaque, out, &mut Opaque));
}

/// A connection and a sink whose results are unknown to the compiler.
struct Opaque;

impl ErrorType for Opaque {
    type Error = Infallible;
}

impl Read for Opaque {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Infallible> {
        out.fill(black_box(0));
        Ok(black_box(1).min(out.len()))
    }
}

impl Write for Opaque {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(black_box(1).min(bytes.len()))
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Keeps the compiler from removing the computation of `value`.
fn used<T>(value: T) {
    black_box(&value);
}

/// Can panic, if the feature `planted-panic` is on: the check has to find that.
fn planted(input: &[u8]) {
    #[cfg(feature = "planted-panic")]
    black_box(input[9]);
    black_box(input);
}

/// A symbol that is linked exactly if the panic handler is, even if the handler is inlined.
static PANIC_HANDLER: u8 = 1;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        black_box(&PANIC_HANDLER);
    }
}
