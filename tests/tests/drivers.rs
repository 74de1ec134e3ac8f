//! One `Download`, four ways to drive it: over std, tokio, embedded-io and embedded-io-async.
//! Whatever the peer does, all four see the same.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use embedded_io::SliceWriteError;
use embedded_io_adapters::std::FromStd;
use embedded_io_adapters::tokio_1::FromTokio;
use fetchlet_codec::{
    DecodeError, Download, DownloadError, Event, FetchError, Filename, Request, Status,
};
use fetchlet_test_kit::{
    Close, HELLO, LIMIT, MALFORMED, NOT_FOUND, ScriptedPeer, cuttings, random_bytes, request,
    within,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime;

const NAME: &str = "h.txt";
const EMPTY_FILE: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x00";

/// How a download went.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Whole(Vec<u8>),
    NoFile(Status),
    Failed(DownloadError),
    Connection(ErrorKind),
}

impl From<io::Error> for Outcome {
    fn from(error: io::Error) -> Self {
        Self::Connection(error.kind())
    }
}

impl From<DownloadError> for Outcome {
    fn from(error: DownloadError) -> Self {
        Self::Failed(error)
    }
}

impl From<FetchError<io::Error, Infallible>> for Outcome {
    fn from(error: FetchError<io::Error, Infallible>) -> Self {
        match error {
            FetchError::Connection(error) => error.into(),
            FetchError::Download(error) => error.into(),
            FetchError::NotFound => Self::NoFile(Status::NotFound),
            FetchError::Malformed => Self::NoFile(Status::Malformed),
            other => panic!("{other}"),
        }
    }
}

fn download() -> Download<64> {
    Download::new(Request::new(Filename::new(NAME).unwrap()))
}

fn whole(outcome: Result<Vec<u8>, Outcome>) -> Outcome {
    outcome.map_or_else(|failed| failed, Outcome::Whole)
}

/// What every driver does with the events; `false` once nothing more is wanted.
fn take(
    download: &mut Download<64>,
    mut input: &[u8],
    file: &mut Vec<u8>,
) -> Result<bool, Outcome> {
    while let Some(event) = download.receive(&mut input)? {
        match event {
            Event::Header(header) if header.status() != Status::File => {
                return Err(Outcome::NoFile(header.status()));
            }
            Event::Data(data) => file.extend_from_slice(data),
            Event::Header(_) | Event::End => {}
        }
    }
    Ok(!download.is_done())
}

fn over_std(addr: SocketAddr) -> Result<Vec<u8>, Outcome> {
    let mut connection = TcpStream::connect(addr)?;
    let (mut download, mut buffer, mut file) = (download(), [0; 7], Vec::new());
    while download.wants_transmit() {
        let len = download.transmit(&mut buffer);
        connection.write_all(&buffer[..len])?;
    }
    loop {
        let len = connection.read(&mut buffer)?;
        if len == 0 || !take(&mut download, &buffer[..len], &mut file)? {
            break;
        }
    }
    download.finish()?;
    Ok(file)
}

async fn over_tokio(addr: SocketAddr) -> Result<Vec<u8>, Outcome> {
    let mut connection = tokio::net::TcpStream::connect(addr).await?;
    let (mut download, mut buffer, mut file) = (download(), [0; 7], Vec::new());
    while download.wants_transmit() {
        let len = download.transmit(&mut buffer);
        connection.write_all(&buffer[..len]).await?;
    }
    loop {
        let len = connection.read(&mut buffer).await?;
        if len == 0 || !take(&mut download, &buffer[..len], &mut file)? {
            break;
        }
    }
    download.finish()?;
    Ok(file)
}

fn over_embedded_io(addr: SocketAddr) -> Result<Vec<u8>, Outcome> {
    let mut connection = FromStd::new(TcpStream::connect(addr)?);
    let mut sink = Sink::default();
    let name = Filename::<64>::new(NAME).unwrap();
    let len = fetchlet_codec::embedded_io::fetch(name, &mut connection, &mut [0; 7], &mut sink)?;
    Ok(sink.whole(len))
}

async fn over_embedded_io_async(addr: SocketAddr) -> Result<Vec<u8>, Outcome> {
    let mut connection = FromTokio::new(tokio::net::TcpStream::connect(addr).await?);
    let mut sink = Sink::default();
    let name = Filename::<64>::new(NAME).unwrap();
    let fetch = fetchlet_codec::embedded_io_async::fetch;
    let len = fetch(name, &mut connection, &mut [0; 7], &mut sink).await?;
    Ok(sink.whole(len))
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_io().build();
    runtime.unwrap().block_on(future)
}

/// A driver, by name.
type Driver = (&'static str, fn(SocketAddr) -> Result<Vec<u8>, Outcome>);

const DRIVERS: &[Driver] = &[
    ("std", over_std),
    ("tokio", |addr| wait_for(over_tokio(addr))),
    ("embedded-io", over_embedded_io),
    ("embedded-io-async", |addr| wait_for(over_embedded_io_async(addr))),
];

/// Every driver asks for the file in the right words, and sees `expected`.
#[track_caller]
fn all_see(pieces: &[&[u8]], ending: Close, expected: &Outcome) {
    for (name, driver) in DRIVERS {
        let script = pieces.iter().map(|piece| piece.to_vec()).collect::<Vec<_>>();
        let (outcome, asked) = within(LIMIT, move || {
            let peer = ScriptedPeer::start(script, ending);
            (whole(driver(peer.addr())), peer.request())
        });
        assert_eq!(outcome, *expected, "{name}: {pieces:02x?}, then {ending:?}");
        assert_eq!(asked, request(NAME.as_bytes()), "{name}");
    }
}

#[test]
fn a_file_arrives() {
    all_see(&[HELLO], Close::Fin, &Outcome::Whole(b"hello".into()));
}

#[test]
fn a_file_arrives_byte_by_byte() {
    let pieces: Vec<&[u8]> = HELLO.chunks(1).collect();
    all_see(&pieces, Close::Fin, &Outcome::Whole(b"hello".into()));
}

#[test]
fn a_file_split_anywhere_arrives() {
    for at in 1..HELLO.len() {
        let (first, second) = HELLO.split_at(at);
        all_see(&[first, second], Close::Fin, &Outcome::Whole(b"hello".into()));
    }
}

#[test]
fn a_file_of_many_buffers_arrives() {
    let data = random_bytes(9, 100_000);
    let header = b"\x49\x7E\x02\x01\x00\x01\x86\xA0";
    all_see(&[header, &data], Close::Fin, &Outcome::Whole(data.clone()));
}

#[test]
fn an_empty_file_arrives() {
    all_see(&[EMPTY_FILE], Close::Fin, &Outcome::Whole(vec![]));
}

#[test]
fn bytes_after_the_file_are_left_out() {
    all_see(&[HELLO, b"more"], Close::Fin, &Outcome::Whole(b"hello".into()));
    all_see(&[&[HELLO, b"more"].concat()], Close::Fin, &Outcome::Whole(b"hello".into()));
}

/// R12 asks for the bytes, not for an orderly end after them.
#[test]
fn a_whole_file_stays_whole_when_a_reset_follows() {
    all_see(&[HELLO], Close::Reset, &Outcome::Whole(b"hello".into()));
}

#[test]
fn no_file_is_told_from_an_empty_one() {
    all_see(&[NOT_FOUND], Close::Fin, &Outcome::NoFile(Status::NotFound));
    all_see(&[MALFORMED], Close::Fin, &Outcome::NoFile(Status::Malformed));
}

#[test]
fn an_early_end_is_told_with_both_counts() {
    for len in 0..HELLO.len() {
        let expected = match u8::try_from(len).unwrap() {
            received @ ..8 => DownloadError::ClosedInHeader { received },
            more => DownloadError::ClosedInData { received: u32::from(more) - 8, expected: 5 },
        };
        all_see(&[&HELLO[..len]], Close::Fin, &Outcome::Failed(expected));
    }
}

#[test]
fn a_reset_in_the_middle_is_the_connections_error() {
    for len in 0..HELLO.len() {
        let expected = Outcome::Connection(ErrorKind::ConnectionReset);
        all_see(&[&HELLO[..len]], Close::Reset, &expected);
    }
}

#[test]
fn garbage_is_refused_at_the_byte_that_shows_it() {
    for (bytes, error) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], DecodeError::BadMagic { at: 0, found: b'H' }),
        (b"\x49\x7E\x01\x00\x05h.txt", DecodeError::BadType { found: 1 }),
        (b"\x49\x7E\x02\x07", DecodeError::BadStatus { found: 7 }),
        (b"\x49\x7E\x02\x00\0\0\0\x05hello", DecodeError::UnexpectedData { at: 7, found: 5 }),
    ] {
        all_see(&[bytes], Close::Fin, &Outcome::Failed(error.into()));
    }
}

/// A sink that takes all, and knows whether it was flushed.
#[derive(Debug, Default)]
struct Sink {
    bytes: Vec<u8>,
    flushed: bool,
}

impl Sink {
    fn whole(self, len: u32) -> Vec<u8> {
        assert!(self.flushed, "the sink was not flushed");
        assert_eq!(u32::try_from(self.bytes.len()), Ok(len));
        self.bytes
    }
}

impl embedded_io::ErrorType for Sink {
    type Error = Infallible;
}

impl embedded_io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        // As little at a time as a flash page may take.
        let taken = bytes.len().min(3);
        self.bytes.extend_from_slice(&bytes[..taken]);
        self.flushed = false;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.flushed = true;
        Ok(())
    }
}

impl embedded_io_async::Write for Sink {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        embedded_io::Write::flush(self)
    }
}

/// A sink with room for so many bytes, that then takes none without an error.
struct Stuck(usize);

impl embedded_io::ErrorType for Stuck {
    type Error = Infallible;
}

impl embedded_io::Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        panic!("a file that did not fit was taken for whole");
    }
}

impl embedded_io_async::Write for Stuck {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        embedded_io::Write::flush(self)
    }
}

/// A connection in memory: hands out its pieces one read each, takes two bytes per write.
struct Wire<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    piece: &'a [u8],
    sent: Vec<u8>,
    flushed: bool,
}

impl<'a> Wire<'a> {
    fn new(pieces: &[&'a [u8]]) -> Self {
        // An empty read would mean the end of the connection.
        let pieces: Vec<_> = pieces.iter().copied().filter(|piece| !piece.is_empty()).collect();
        Self { pieces: pieces.into_iter(), piece: &[], sent: Vec::new(), flushed: false }
    }
}

impl embedded_io::ErrorType for Wire<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        assert!(!buffer.is_empty(), "a read into nothing looks like the end");
        assert!(self.flushed, "waiting for an answer to what was not flushed");
        if self.piece.is_empty() {
            self.piece = self.pieces.next().unwrap_or_default();
        }
        let (now, later) = self.piece.split_at(buffer.len().min(self.piece.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.piece = later;
        Ok(now.len())
    }
}

impl embedded_io::Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let taken = bytes.len().min(2);
        self.sent.extend_from_slice(&bytes[..taken]);
        self.flushed = false;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.flushed = true;
        Ok(())
    }
}

impl embedded_io_async::Read for Wire<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io::Read::read(self, buffer)
    }
}

impl embedded_io_async::Write for Wire<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        embedded_io::Write::flush(self)
    }
}

type Fetched<S> = Result<u32, FetchError<Infallible, S>>;

/// Both adapters over the same bytes into equal sinks; what the blocking one made of it.
fn fetch<S>(pieces: &[&[u8]], room: usize, mut sink: impl FnMut() -> S) -> (Fetched<S::Error>, S)
where
    S: embedded_io::Write + embedded_io_async::Write,
    S::Error: PartialEq,
{
    let name = || Filename::<64>::new(NAME).unwrap();
    let (mut wire, mut buffer, mut blocking) = (Wire::new(pieces), vec![0; room], sink());
    let fetch = fetchlet_codec::embedded_io::fetch;
    let fetched = fetch(name(), &mut wire, &mut buffer, &mut blocking);

    let (mut wire_async, mut sink_async) = (Wire::new(pieces), sink());
    let fetch = fetchlet_codec::embedded_io_async::fetch;
    let other = wait_for(fetch(name(), &mut wire_async, &mut buffer, &mut sink_async));

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
                let (fetched, sink) = fetch(&pieces, room, Sink::default);
                assert_eq!(fetched, Ok(5), "{room} bytes of room, {cutting}");
                assert_eq!(sink.whole(5), b"hello", "{room} bytes of room, {cutting}");
            }
        }
    });
}

#[test]
fn an_empty_buffer_is_refused_before_anything_is_sent() {
    within(LIMIT, || {
        let (fetched, _) = fetch(&[HELLO], 0, Sink::default);
        assert_eq!(fetched, Err(FetchError::EmptyBuffer));
    });
}

#[test]
fn a_sink_that_is_full_is_an_error() {
    within(LIMIT, || {
        for room in [1, 4, 64] {
            let (fetched, _) = fetch(&[HELLO], room, || Stuck(4));
            assert_eq!(fetched, Err(FetchError::SinkFull));
        }
    });
}

/// A slice is the sink that devices have; what fits exactly is no error.
#[test]
fn a_slice_holds_the_file_if_it_is_large_enough() {
    within(LIMIT, || {
        for (room, expected) in
            [(4, Err(FetchError::Sink(SliceWriteError::Full))), (5, Ok(5)), (6, Ok(5))]
        {
            let mut memory = vec![0; room];
            let mut wire = Wire::new(&[HELLO]);
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
            (NOT_FOUND, FetchError::NotFound),
            (MALFORMED, FetchError::Malformed),
            (
                b"HTTP/1.1",
                FetchError::Download(DecodeError::BadMagic { at: 0, found: b'H' }.into()),
            ),
            (b"", FetchError::Download(DownloadError::ClosedInHeader { received: 0 })),
        ] {
            for (cutting, pieces) in cuttings(bytes) {
                let (fetched, sink) = fetch(&pieces, 4, Sink::default);
                assert_eq!(fetched, Err(error), "{cutting}");
                assert_eq!(sink.bytes, b"", "{cutting}");
            }
        }
    });
}
