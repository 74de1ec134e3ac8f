//! The adapters for embedded-io and embedded-io-async: buffers of every size, and sinks.

use std::convert::Infallible;

use embedded_io::SliceWriteError;
use fetchlet_codec::{DecodeError, DownloadError, ExchangeError, Filename};
use fetchlet_test_kit::{HELLO, LIMIT, MALFORMED, NOT_FOUND, cuttings, request, within};

use crate::NAME;
use crate::four_drivers::block_on;
use crate::memory_connection::MemoryConnection;
use crate::sinks::{CollectingSink, FullSink};

/// The length of the file, or why there is none.
type Fetched<S> = Result<u32, ExchangeError<Infallible, S>>;

/// Fetches from the same bytes with both adapters, asserts that they agree, and returns the result
/// and the sink of the blocking one.
fn fetch<S>(pieces: &[&[u8]], room: usize, mut sink: impl FnMut() -> S) -> (Fetched<S::Error>, S)
where
    S: embedded_io::Write + embedded_io_async::Write,
    S::Error: PartialEq,
{
    let name = || Filename::<64>::new(NAME).unwrap();
    let (mut wire, mut buffer, mut blocking) =
        (MemoryConnection::new(pieces), vec![0; room], sink());
    let fetch = fetchlet_codec::embedded_io::fetch;
    let fetched = fetch(name(), &mut wire, &mut buffer, &mut blocking);

    let (mut wire_async, mut sink_async) = (MemoryConnection::new(pieces), sink());
    let fetch = fetchlet_codec::embedded_io_async::fetch;
    let other = block_on(fetch(name(), &mut wire_async, &mut buffer, &mut sink_async));

    assert_eq!(fetched, other, "the adapters differ");
    assert_eq!(wire.sent, wire_async.sent);
    let asked = if room == 0 { vec![] } else { request(NAME.as_bytes()) };
    assert_eq!(wire.sent, asked);
    (fetched, blocking)
}

#[test]
fn a_buffer_of_any_size_will_do() {
    within(LIMIT, || {
        for room in [1, 2, 3, 7, 8, 9, 10, 12, 13, 14, 4096] {
            for (cutting, pieces) in cuttings(HELLO) {
                let (fetched, sink) = fetch(&pieces, room, CollectingSink::default);
                assert_eq!(fetched, Ok(5), "{room} bytes of room, {cutting}");
                assert_eq!(sink.whole(5), b"hello", "{room} bytes of room, {cutting}");
            }
        }
    });
}

#[test]
fn an_empty_buffer_is_refused_before_anything_is_sent() {
    within(LIMIT, || {
        let (fetched, _) = fetch(&[HELLO], 0, CollectingSink::default);
        assert_eq!(fetched, Err(ExchangeError::EmptyBuffer));
    });
}

#[test]
fn a_sink_that_is_full_is_an_error() {
    within(LIMIT, || {
        for room in [1, 4, 64] {
            let (fetched, _) = fetch(&[HELLO], room, || FullSink(4));
            assert_eq!(fetched, Err(ExchangeError::SinkFull));
        }
    });
}

/// The sink of a device is often a slice of memory. A file as long as the slice fits.
#[test]
fn a_slice_holds_the_file_if_it_is_large_enough() {
    within(LIMIT, || {
        for (room, expected) in
            [(4, Err(ExchangeError::Sink(SliceWriteError::Full))), (5, Ok(5)), (6, Ok(5))]
        {
            let mut memory = vec![0; room];
            let mut wire = MemoryConnection::new(&[HELLO]);
            let name = Filename::<64>::new(NAME).unwrap();
            let fetch = fetchlet_codec::embedded_io::fetch;
            let fetched = fetch(name, &mut wire, &mut [0; 3], &mut memory.as_mut_slice());
            assert_eq!(fetched, expected);
            assert_eq!(memory[..4], *b"hell");
        }
    });
}

#[test]
fn the_sink_gets_nothing_that_is_not_the_file() {
    within(LIMIT, || {
        for (bytes, error) in [
            (NOT_FOUND, ExchangeError::NotFound),
            (MALFORMED, ExchangeError::Malformed),
            (
                b"HTTP/1.1",
                ExchangeError::Download(DecodeError::BadMagic { at: 0, found: b'H' }.into()),
            ),
            (b"", ExchangeError::Download(DownloadError::ClosedInHeader { received: 0 })),
        ] {
            for (cutting, pieces) in cuttings(bytes) {
                let (fetched, sink) = fetch(&pieces, 4, CollectingSink::default);
                assert_eq!(fetched, Err(error), "{cutting}");
                assert_eq!(sink.bytes, b"", "{cutting}");
            }
        }
    });
}
