//! The four drivers: each fetches one file over a TCP connection and says how that ended.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use embedded_io_adapters::std::FromStd;
use embedded_io_adapters::tokio_1::FromTokio;
use fetchlet_codec::{Download, DownloadError, Event, ExchangeError, Filename, Request, Status};
use fetchlet_test_kit::{Close, LIMIT, ScriptedPeer, request, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime;

use crate::NAME;
use crate::sinks::CollectingSink;

/// How a download ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
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

impl From<ExchangeError<io::Error, Infallible>> for Outcome {
    fn from(error: ExchangeError<io::Error, Infallible>) -> Self {
        match error {
            ExchangeError::Connection(error) => error.into(),
            ExchangeError::Download(error) => error.into(),
            ExchangeError::NotFound => Self::NoFile(Status::NotFound),
            ExchangeError::Malformed => Self::NoFile(Status::Malformed),
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

/// Passes bytes to the download and collects the file, as every driver does. Returns whether the
/// download needs more bytes.
fn receive(
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
        if len == 0 || !receive(&mut download, &buffer[..len], &mut file)? {
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
        if len == 0 || !receive(&mut download, &buffer[..len], &mut file)? {
            break;
        }
    }
    download.finish()?;
    Ok(file)
}

fn over_embedded_io(addr: SocketAddr) -> Result<Vec<u8>, Outcome> {
    let mut connection = FromStd::new(TcpStream::connect(addr)?);
    let mut sink = CollectingSink::default();
    let name = Filename::<64>::new(NAME).unwrap();
    let len = fetchlet_codec::embedded_io::fetch(name, &mut connection, &mut [0; 7], &mut sink)?;
    Ok(sink.whole(len))
}

async fn over_embedded_io_async(addr: SocketAddr) -> Result<Vec<u8>, Outcome> {
    let mut connection = FromTokio::new(tokio::net::TcpStream::connect(addr).await?);
    let mut sink = CollectingSink::default();
    let name = Filename::<64>::new(NAME).unwrap();
    let fetch = fetchlet_codec::embedded_io_async::fetch;
    let len = fetch(name, &mut connection, &mut [0; 7], &mut sink).await?;
    Ok(sink.whole(len))
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_io().build();
    runtime.unwrap().block_on(future)
}

/// The name of a driver, and the driver: a function that fetches the file from an address.
type Driver = (&'static str, fn(SocketAddr) -> Result<Vec<u8>, Outcome>);

/// All four.
const DRIVERS: &[Driver] = &[
    ("std", over_std),
    ("tokio", |addr| block_on(over_tokio(addr))),
    ("embedded-io", over_embedded_io),
    ("embedded-io-async", |addr| block_on(over_embedded_io_async(addr))),
];

/// Asserts that every driver sends the same request and sees `expected`, from a server that sends
/// `pieces` and closes.
#[track_caller]
pub(crate) fn assert_all_see(pieces: &[&[u8]], close: Close, expected: &Outcome) {
    for (name, driver) in DRIVERS {
        let script = pieces.iter().map(|piece| piece.to_vec()).collect::<Vec<_>>();
        let (outcome, asked) = within(LIMIT, move || {
            let peer = ScriptedPeer::start(script, close);
            (whole(driver(peer.addr())), peer.request())
        });
        assert_eq!(outcome, *expected, "{name}: {pieces:02x?}, then {close:?}");
        assert_eq!(asked, request(NAME.as_bytes()), "{name}");
    }
}
