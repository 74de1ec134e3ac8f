//! The invariants of the codec: functions that take any bytes and panic if the codec breaks a rule
//! of PROTOCOL.md. The fuzz targets in `codec/fuzz` and the property tests call the same functions.

mod observe;
mod rules;

use fetchlet_codec::ResponseDecoder;

pub use observe::{ObservedDownload, ObservedRequest, decode_request, download};

/// Decodes `bytes` as a request. The result must follow the rules, must be the same byte by byte as
/// in one piece, and must encode to the bytes that were decoded.
///
/// # Panics
///
/// If one of these does not hold.
pub fn request<const N: usize>(bytes: &[u8]) {
    let whole = decode_request::<N>([bytes]);
    rules::request(bytes, &whole.decoded);
    assert_eq!(decode_request(cut(bytes, [1])), whole, "byte by byte differs");
    if let Ok(Some(request)) = &whole.decoded {
        let taken = bytes.strip_suffix(&whole.left[..]).expect("what is left is the end");
        let mut encoded = vec![0; request.encoded_len()];
        assert_eq!(request.encode(&mut encoded), Ok(encoded.len()));
        assert_eq!(encoded, taken, "encoded to other bytes");
        let again = ObservedRequest { decoded: whole.decoded.clone(), left: Vec::new() };
        assert_eq!(decode_request([&encoded[..]]), again);
    }
}

/// Decodes `bytes` as the header of a response. The result must follow the rules, and must encode
/// to the bytes that were decoded.
///
/// # Panics
///
/// If one of these does not hold.
pub fn response(bytes: &[u8]) {
    let mut left = bytes;
    let decoded = ResponseDecoder::new().decode(&mut left);
    rules::response(bytes, decoded);
    if let Ok(Some(header)) = decoded {
        let taken = bytes.strip_suffix(left).expect("what is left is the end");
        assert_eq!(header.encode(), taken, "encoded to other bytes");
        let again = ResponseDecoder::new().decode(&mut &header.encode()[..]);
        assert_eq!(again, Ok(Some(header)));
    }
}

/// Feeds `bytes` to a download, in one piece and in pieces of these lengths. Both downloads must
/// end the same way (R4), and must return exactly the announced data (R12, R13).
///
/// # Panics
///
/// If one of these does not hold, or if all lengths are 0.
pub fn download_in_pieces(bytes: &[u8], lengths: &[usize]) {
    let whole = download([bytes]);
    assert_eq!(download(cut(bytes, lengths.iter().copied())), whole, "in pieces differs");
    let Some(header) = whole.header else {
        assert_eq!(whole.data, b"");
        return assert_ne!(whole.finish, Some(Ok(())));
    };
    let announced = usize::try_from(header.data_len()).unwrap_or(usize::MAX);
    let body = bytes.get(8..).unwrap_or_default();
    assert_eq!(whole.data, body[..announced.min(body.len())]);
    let is_whole = announced <= body.len();
    assert_eq!(whole.ended, is_whole);
    assert_eq!(whole.finish == Some(Ok(())), is_whole);
}

/// Splits a fuzzer's input into lengths for [`download_in_pieces`] and the bytes to cut. The first
/// byte of the input is the number of lengths, and each of the next bytes is one length. If all
/// lengths are 0, the bytes stay in one piece.
pub fn lengths(input: &[u8]) -> (Vec<usize>, &[u8]) {
    /// Keeps the low 4 bits: at most 15 lengths, so that most of the input is left to be cut.
    const COUNT_MASK: u8 = 15;
    let Some((count, rest)) = input.split_first() else {
        return (vec![1], input);
    };
    let count = usize::from(count & COUNT_MASK).min(rest.len());
    let (lengths, bytes) = rest.split_at(count);
    let mut lengths: Vec<usize> = lengths.iter().copied().map(usize::from).collect();
    if lengths.iter().all(|len| *len == 0) {
        lengths.push(usize::MAX);
    }
    (lengths, bytes)
}

/// Cuts `bytes` into pieces of these lengths, in turn and from the first length again; the last
/// piece may be shorter.
///
/// # Panics
///
/// If all lengths are 0, which would never end.
pub fn cut(bytes: &[u8], lengths: impl IntoIterator<Item = usize, IntoIter: Clone>) -> Vec<&[u8]> {
    let lengths = lengths.into_iter();
    assert!(lengths.clone().any(|len| len > 0), "these lengths do not cut");
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for len in lengths.cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, later) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = later;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fuzzers_input_is_lengths_and_bytes() {
        assert_eq!(lengths(b""), (vec![1], &b""[..]));
        assert_eq!(lengths(b"\x02\x03\x00rest"), (vec![3, 0], &b"rest"[..]));
        assert_eq!(lengths(b"\xF1\x09rest"), (vec![9], &b"rest"[..]));
        assert_eq!(lengths(b"\x01\x00rest"), (vec![0, usize::MAX], &b"rest"[..]));
        assert_eq!(lengths(b"\x0F\x01"), (vec![1], &b""[..]));
    }

    #[test]
    #[should_panic(expected = "do not cut")]
    fn lengths_that_never_end_are_refused() {
        cut(b"a", [0, 0]);
    }
}
