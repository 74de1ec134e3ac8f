//! Calls that are interrupted, by a signal say, are made again: by both adapters of the codec and
//! by the library's client, at the connection and at the sink. No other failure is.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embedded_io::ErrorKind;
use fetchlet::Response;
use fetchlet_codec::{ExchangeError, Filename};
use fetchlet_test_kit::{HELLO, LIMIT, request, within};

const NAME: &str = "h.txt";

/// The failure of every second call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct InjectedError(ErrorKind);

impl fmt::Display for InjectedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for InjectedError {}

impl embedded_io::Error for InjectedError {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// A connection or a sink of which every second call fails, the first one included.
struct Stuttering {
    input: &'static [u8],
    output: Vec<u8>,
    failure: InjectedError,
    failed: bool,
    flushed: bool,
}

impl Stuttering {
    fn new(input: &'static [u8], kind: ErrorKind) -> Self {
        let failure = InjectedError(kind);
        Self { input, output: Vec::new(), failure, failed: false, flushed: false }
    }

    fn stutter(&mut self) -> Result<(), InjectedError> {
        self.failed = !self.failed;
        if self.failed { Err(self.failure) } else { Ok(()) }
    }

    fn take(&mut self, buffer: &mut [u8]) -> Result<usize, InjectedError> {
        self.stutter()?;
        let (now, later) = self.input.split_at(buffer.len().min(self.input.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.input = later;
        Ok(now.len())
    }

    fn give(&mut self, data: &[u8]) -> Result<usize, InjectedError> {
        self.stutter()?;
        let taken = data.len().min(2);
        self.output.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn end(&mut self) -> Result<(), InjectedError> {
        self.stutter()?;
        self.flushed = true;
        Ok(())
    }
}

impl embedded_io::ErrorType for Stuttering {
    type Error = InjectedError;
}

impl embedded_io::Read for Stuttering {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, InjectedError> {
        self.take(buffer)
    }
}

impl embedded_io::Write for Stuttering {
    fn write(&mut self, data: &[u8]) -> Result<usize, InjectedError> {
        self.give(data)
    }

    fn flush(&mut self) -> Result<(), InjectedError> {
        self.end()
    }
}

impl embedded_io_async::Read for Stuttering {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, InjectedError> {
        self.take(buffer)
    }
}

impl embedded_io_async::Write for Stuttering {
    async fn write(&mut self, data: &[u8]) -> Result<usize, InjectedError> {
        self.give(data)
    }

    async fn flush(&mut self) -> Result<(), InjectedError> {
        self.end()
    }
}

impl io::Read for Stuttering {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.take(buffer).map_err(|InjectedError(kind)| io::ErrorKind::from(kind).into())
    }
}

impl io::Write for Stuttering {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.give(data).map_err(|InjectedError(kind)| io::ErrorKind::from(kind).into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end().map_err(|InjectedError(kind)| io::ErrorKind::from(kind).into())
    }
}

type StutteringResult = Result<u32, ExchangeError<InjectedError, InjectedError>>;

/// Fetches by both adapters. Returns the result of each, its connection and its sink.
fn fetch(kind: ErrorKind) -> [(StutteringResult, Stuttering, Stuttering); 2] {
    let pair = || (Stuttering::new(HELLO, kind), Stuttering::new(&[], kind));
    let name = || Filename::<64>::new(NAME).unwrap();
    let (mut wire, mut sink) = pair();
    let fetched = fetchlet_codec::embedded_io::fetch(name(), &mut wire, &mut [0; 7], &mut sink);
    let blocking = (fetched, wire, sink);

    let (mut wire, mut sink) = pair();
    let fetched = {
        let mut buffer = [0; 7];
        let fetch = fetchlet_codec::embedded_io_async::fetch;
        at_once(fetch(name(), &mut wire, &mut buffer, &mut sink))
    };
    [blocking, (fetched, wire, sink)]
}

/// The value of a future that never has to wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn an_interrupted_call_of_an_adapter_is_made_again() {
    within(LIMIT, || {
        for (fetched, wire, sink) in fetch(ErrorKind::Interrupted) {
            assert_eq!(fetched, Ok(5));
            assert_eq!(wire.output, request(NAME.as_bytes()));
            assert!(wire.flushed && sink.flushed);
            assert_eq!(sink.output, b"hello");
        }
    });
}

#[test]
fn no_other_failure_is_tried_again() {
    within(LIMIT, || {
        for kind in [ErrorKind::Other, ErrorKind::TimedOut, ErrorKind::ConnectionReset] {
            for (fetched, wire, _) in fetch(kind) {
                assert_eq!(fetched, Err(ExchangeError::Connection(InjectedError(kind))));
                assert_eq!(wire.output, b"");
            }
        }
    });
}

#[test]
fn an_interrupted_call_of_the_librarys_client_is_made_again() {
    within(LIMIT, || {
        let wire = Stuttering::new(HELLO, ErrorKind::Interrupted);
        let mut sink = Stuttering::new(&[], ErrorKind::Interrupted);
        let summary = Response::start(wire, NAME).unwrap().copy_to(&mut sink).unwrap();
        assert_eq!(summary.len, 5);
        assert_eq!(sink.output, b"hello");
        assert!(sink.flushed);
    });
}
