//! Random bytes, as many as a million connections bring, through the decoder of requests: it must
//! not panic, and the outcome must not depend on the cuts (R4).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fetchlet_codec::{DecodeError, Request, RequestDecoder};
use fetchlet_test_kit::{Rng, bytes_from, request};

use crate::report::SoakReport;

pub(crate) fn run(quick: bool, report: &mut SoakReport) -> io::Result<()> {
    let count = if quick { 50_000 } else { 1_000_000 };
    let mut rng = Rng::with_seed(1);
    let (mut panics, mut differing, mut outcomes) = (0, 0, [0_u64; 3]);
    for _ in 0..count {
        let bytes = input(&mut rng);
        let cut = rng.usize(..40);
        match catch_unwind(AssertUnwindSafe(|| {
            (decoded(&bytes, bytes.len()), decoded(&bytes, cut))
        })) {
            Err(_) => panics += 1,
            Ok((whole, pieces)) => {
                differing += u64::from(whole != pieces);
                outcomes[match whole {
                    Ok(Some(_)) => 0,
                    Ok(None) => 1,
                    Err(_) => 2,
                }] += 1;
            }
        }
    }
    report.tell("requests, parts of one, faults", format!("{outcomes:?} of {count}"));
    report.exactly("panics", panics, 0);
    report.exactly("outcomes that depend on the cuts", differing, 0);
    Ok(())
}

/// Returns the server's decision after these bytes, which arrive in pieces of this length.
fn decoded(bytes: &[u8], piece: usize) -> Result<Option<Request>, DecodeError> {
    let mut decoder = RequestDecoder::new();
    for mut piece in bytes.chunks(piece.max(1)) {
        if let Some(request) = decoder.decode(&mut piece)? {
            return Ok(Some(request));
        }
    }
    Ok(None)
}

/// Returns random bytes, random bytes after a valid prefix, or a request with a few changed bytes.
/// Random bytes alone would nearly always be refused at the first byte.
fn input(rng: &mut Rng) -> Vec<u8> {
    let len = rng.usize(..1100);
    match rng.usize(..3) {
        0 => bytes_from(rng, len),
        1 => [b"\x49\x7E\x01", &bytes_from(rng, len)[..]].concat(),
        _ => {
            let name = bytes_from(rng, len).into_iter().map(|byte| byte & 0x7F).collect::<Vec<_>>();
            let mut bytes = request(&name);
            for _ in 0..rng.usize(..4) {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            bytes
        }
    }
}
