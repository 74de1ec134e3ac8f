//! Every way in which a connection can end before the file is whole: each gives an error of its
//! own, with the counts of R12.

use std::task::Poll;

use fetchlet_codec::{DecodeError, DownloadError, Filename};
use fetchlet_smoltcp::{MAX_TIMEOUT, Transfer, TransferError};
use fetchlet_test_kit::{HELLO, LIMIT, response, within};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};

use crate::fixture::{CheckedSink, FailAt, Observed, REQUEST, Scenario, ServerBehavior};

/// The timeout of the client, in virtual time.
const TIMEOUT: Duration = Duration::from_secs(10);

fn run(answer: &[u8], behavior: ServerBehavior) -> Observed {
    Scenario { behavior, ..Scenario::new(answer) }.run()
}

/// Returns the error for a connection that ended after `came` bytes of [`HELLO`], or `None` if that
/// is all of them.
fn missing(came: usize) -> Option<DownloadError> {
    match came {
        0..8 => Some(DownloadError::ClosedInHeader { received: came as u8 }),
        8..13 => Some(DownloadError::ClosedInData { received: came as u32 - 8, expected: 5 }),
        _ => None,
    }
}

#[test]
fn a_fin_at_every_byte_is_a_truncation_with_its_counts() {
    within(LIMIT, || {
        for came in 0..=HELLO.len() {
            let outcome = run(&HELLO[..came], ServerBehavior::Fin);
            let expected = missing(came).map_or(Ok(5), |error| Err(TransferError::Download(error)));
            assert_eq!(outcome.result, expected, "after {came} bytes");
            assert_eq!(outcome.sink.data, &b"hello"[..came.saturating_sub(8)]);
            assert_eq!(outcome.sink.finished, came == HELLO.len());
        }
    });
}

#[test]
fn a_reset_at_every_byte_is_told_apart_with_its_counts() {
    within(LIMIT, || {
        for came in 0..=HELLO.len() {
            let outcome = run(&HELLO[..came], ServerBehavior::Reset);
            let expected = missing(came).map_or(Ok(5), |error| Err(TransferError::Reset(error)));
            assert_eq!(outcome.result, expected, "after {came} bytes");
            assert_eq!(outcome.sink.data, &b"hello"[..came.saturating_sub(8)]);
            assert_eq!(outcome.sink.finished, came == HELLO.len());
        }
    });
}

#[test]
fn a_refusal_is_told_apart_and_at_once() {
    within(LIMIT, || {
        let outcome = run(HELLO, ServerBehavior::Refuse);
        assert_eq!(outcome.result, Err(TransferError::Refused));
        assert!(outcome.at < Instant::from_millis(10), "{}", outcome.at);
    });
}

#[test]
fn a_host_that_is_not_there_times_out() {
    within(LIMIT, || {
        let outcome = run(HELLO, ServerBehavior::Absent);
        assert_eq!(outcome.result, Err(TransferError::ConnectTimedOut));
        assert_eq!(outcome.at, Instant::ZERO + TIMEOUT);
    });
}

#[test]
fn a_timeout_too_long_for_the_clock_is_the_longest_one() {
    within(LIMIT, || {
        let timeout = Duration::MAX;
        assert_eq!(Scenario { timeout, ..Scenario::new(HELLO) }.run().whole(), b"hello");
        let mut transfer = Transfer::new(Filename::<8>::new("h.txt").unwrap(), timeout);
        let mut socket =
            Socket::new(SocketBuffer::new(vec![0; 64]), SocketBuffer::new(vec![0; 64]));
        socket.listen(5000).unwrap();
        let last = Instant::ZERO + MAX_TIMEOUT;
        for (now, expected) in [
            (Instant::ZERO, Poll::Pending),
            (last - Duration::from_micros(1), Poll::Pending),
            (last, Poll::Ready(Err(TransferError::ConnectTimedOut))),
        ] {
            assert_eq!(transfer.poll(&mut socket, now, &mut CheckedSink::default()), expected);
        }
    });
}

#[test]
fn an_error_says_whether_another_attempt_may_succeed() {
    let early = DownloadError::ClosedInData { received: 1, expected: 5 };
    let bad = DownloadError::Decode(DecodeError::BadType { found: 9 });
    for (error, is_transient) in [
        (TransferError::Refused, true),
        (TransferError::ConnectTimedOut, true),
        (TransferError::TimedOut(early), true),
        (TransferError::Reset(early), true),
        (TransferError::Download(early), true),
        (TransferError::Download(bad), false),
        (TransferError::NotFound, false),
        (TransferError::Malformed, false),
        (TransferError::Sink(()), false),
    ] {
        assert_eq!(error.is_transient(), is_transient, "{error}");
    }
}

#[test]
fn silence_at_every_byte_times_out() {
    within(LIMIT, || {
        for came in 0..HELLO.len() {
            let scenario =
                Scenario { behavior: ServerBehavior::Silence, ..Scenario::new(&HELLO[..came]) };
            let outcome = scenario.run();
            let expected = Err(TransferError::TimedOut(missing(came).unwrap()));
            assert_eq!(outcome.result, expected, "after {came} bytes");
            let late = outcome.at - (Instant::ZERO + TIMEOUT);
            assert!(late < Duration::from_millis(20), "after {came} bytes: {late} late");
            assert_eq!(outcome.asked, REQUEST);
            assert!(!outcome.sink.finished);
        }
    });
}

/// While a sink erases flash for longer than the timeout, the peer has no room to send into. That
/// time does not count against the peer.
#[test]
fn the_time_of_the_sink_is_not_the_peers() {
    within(LIMIT, || {
        let file: Vec<u8> = (0..3000_u32).map(|at| at as u8).collect();
        let scenario = Scenario {
            window: 512,
            timeout: Duration::from_secs(3),
            blocks: Duration::from_secs(5),
            ..Scenario::new(&response(&file))
        };
        assert!(scenario.run().whole() == file);
    });
}

/// R15: only silence times out. At 100 bytes a second, a file of 3 kB takes longer than the
/// timeout.
#[test]
fn a_server_that_trickles_is_waited_for() {
    within(LIMIT, || {
        let mut scenario = Scenario { timeout: Duration::from_secs(8), ..Scenario::new(&[]) };
        scenario.answer = response(&[1; 3000]);
        scenario.conditions.rate = std::num::NonZero::new(100);
        scenario.window = 256;
        let outcome = scenario.run();
        assert!(outcome.at > Instant::from_secs(30), "{}", outcome.at);
        assert_eq!(outcome.whole(), [1; 3000]);
    });
}

#[test]
fn an_answer_without_a_file_gives_the_sink_nothing() {
    within(LIMIT, || {
        let bad = |at, found| TransferError::Download(DecodeError::BadMagic { at, found }.into());
        for (answer, error) in [
            (&b"\x49\x7E\x02\x00\x00\x00\x00\x00"[..], TransferError::NotFound),
            (b"\x49\x7E\x02\x02\x00\x00\x00\x00", TransferError::Malformed),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", bad(0, b'H')),
            (b"\x49", TransferError::Download(DownloadError::ClosedInHeader { received: 1 })),
            (b"\x49\x50", bad(1, b'\x50')),
        ] {
            let outcome = run(answer, ServerBehavior::Fin);
            assert_eq!(outcome.result, Err(error), "{}", answer.escape_ascii());
            assert!(outcome.sink.announced.is_none() && outcome.sink.data.is_empty());
        }
    });
}

/// R11: the client does not wait for the rest of an answer that can't become a response.
#[test]
fn garbage_is_refused_while_the_server_goes_on() {
    within(LIMIT, || {
        let outcome = run(b"\x49\x7E\x03", ServerBehavior::Silence);
        assert!(matches!(outcome.result, Err(TransferError::Download(DownloadError::Decode(_)))));
        assert!(outcome.at < Instant::from_millis(10), "{}", outcome.at);
    });
}

/// R13: bytes after the file change nothing, whether the server closes or not.
#[test]
fn bytes_after_the_file_are_ignored() {
    within(LIMIT, || {
        for more in [1, 5, 1000, 10_000] {
            let answer = [HELLO, &vec![b'x'; more]].concat();
            for behavior in [ServerBehavior::Fin, ServerBehavior::Reset] {
                let outcome = run(&answer, behavior);
                assert!(outcome.at < Instant::from_millis(10), "{}", outcome.at);
                assert_eq!(outcome.whole(), b"hello", "{more} bytes more, {behavior:?}");
            }
        }
    });
}

#[test]
fn a_sink_that_fails_ends_the_transfer() {
    within(LIMIT, || {
        let file = [3; 40_000];
        for fail_at in [FailAt::Begin, FailAt::Write(1), FailAt::Write(20_000), FailAt::Finish] {
            let fail_at = Some(fail_at);
            let outcome = Scenario { fail_at, ..Scenario::new(&response(&file)) }.run();
            assert_eq!(outcome.result.map_err(Some), Err(fail_at.map(TransferError::Sink)));
            assert_eq!(outcome.sink.announced, Some(40_000));
            assert_eq!(outcome.sink.finished, fail_at == Some(FailAt::Finish));
            assert_eq!(outcome.sink.data.is_empty(), fail_at == Some(FailAt::Begin));
        }
    });
}
