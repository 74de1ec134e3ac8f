//! What every driver makes of an answer: whole files, statuses, early ends, resets and garbage.

use std::io::ErrorKind;

use fetchlet_codec::{DecodeError, DownloadError, Status};
use fetchlet_test_kit::{Close, HELLO, MALFORMED, NOT_FOUND, random_bytes};

use crate::four_drivers::{Outcome, assert_all_see};

/// The response for an empty file (R3).
const EMPTY_FILE: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x00";

#[test]
fn a_file_arrives() {
    assert_all_see(&[HELLO], Close::Fin, &Outcome::Whole(b"hello".into()));
}

#[test]
fn a_file_arrives_byte_by_byte() {
    let pieces: Vec<&[u8]> = HELLO.chunks(1).collect();
    assert_all_see(&pieces, Close::Fin, &Outcome::Whole(b"hello".into()));
}

#[test]
fn a_file_split_anywhere_arrives() {
    for at in 1..HELLO.len() {
        let (first, second) = HELLO.split_at(at);
        assert_all_see(&[first, second], Close::Fin, &Outcome::Whole(b"hello".into()));
    }
}

#[test]
fn a_file_of_many_buffers_arrives() {
    let data = random_bytes(9, 100_000);
    let header = b"\x49\x7E\x02\x01\x00\x01\x86\xA0";
    assert_all_see(&[header, &data], Close::Fin, &Outcome::Whole(data.clone()));
}

#[test]
fn an_empty_file_arrives() {
    assert_all_see(&[EMPTY_FILE], Close::Fin, &Outcome::Whole(vec![]));
}

#[test]
fn bytes_after_the_file_are_left_out() {
    assert_all_see(&[HELLO, b"more"], Close::Fin, &Outcome::Whole(b"hello".into()));
    assert_all_see(&[&[HELLO, b"more"].concat()], Close::Fin, &Outcome::Whole(b"hello".into()));
}

/// R12: a file is whole once all its bytes have arrived, however the connection ends.
#[test]
fn a_whole_file_stays_whole_when_a_reset_follows() {
    assert_all_see(&[HELLO], Close::Reset, &Outcome::Whole(b"hello".into()));
}

#[test]
fn no_file_is_told_from_an_empty_one() {
    assert_all_see(&[NOT_FOUND], Close::Fin, &Outcome::NoFile(Status::NotFound));
    assert_all_see(&[MALFORMED], Close::Fin, &Outcome::NoFile(Status::Malformed));
}

#[test]
fn an_early_end_is_told_with_both_counts() {
    for len in 0..HELLO.len() {
        let expected = match u8::try_from(len).unwrap() {
            received @ ..8 => DownloadError::ClosedInHeader { received },
            more => DownloadError::ClosedInData { received: u32::from(more) - 8, expected: 5 },
        };
        assert_all_see(&[&HELLO[..len]], Close::Fin, &Outcome::Failed(expected));
    }
}

#[test]
fn a_reset_in_the_middle_is_the_connections_error() {
    for len in 0..HELLO.len() {
        let expected = Outcome::Connection(ErrorKind::ConnectionReset);
        assert_all_see(&[&HELLO[..len]], Close::Reset, &expected);
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
        assert_all_see(&[bytes], Close::Fin, &Outcome::Failed(error.into()));
    }
}
