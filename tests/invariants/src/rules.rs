//! A second implementation of PROTOCOL.md's rules on headers and names, byte by byte and without a
//! parser. The codec's results are compared with this one's.

use fetchlet_codec::{DecodeError, Request, ResponseHeader};

/// Panics unless `decoded` is what R2 and R5 say of `bytes`, for a decoder of names up to `N`
/// bytes.
pub(crate) fn request<const N: usize>(
    bytes: &[u8],
    decoded: &Result<Option<Request<N>>, DecodeError>,
) {
    let octet = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let len = usize::from(u16::from_be_bytes([octet(3), octet(4)]));
    let is_legal = |at: usize, byte: u8| match at {
        0 => byte == 0x49,
        1 => byte == 0x7E,
        2 => byte == 1,
        3 => byte <= 4,
        _ => (1..=1024).contains(&len),
    };
    let header_bytes = &bytes[..bytes.len().min(5)];
    if let Some(at) = header_bytes.iter().enumerate().position(|(at, byte)| !is_legal(at, *byte)) {
        return assert_error_at(at, octet(at), decoded.as_ref().err());
    }
    let Some(after_header) = bytes.get(5..) else {
        return assert_eq!(*decoded, Ok(None));
    };
    if len > N {
        let (len, max) = (u16::try_from(len).ok(), u16::try_from(N).ok());
        let error = len.zip(max).map(|(len, max)| DecodeError::FilenameTooLong { len, max });
        return assert_eq!(decoded.as_ref().err(), error.as_ref());
    }
    let name = after_header.get(..len);
    match std::str::from_utf8(name.unwrap_or(after_header)) {
        Ok(text) if name.is_some() => {
            let request = decoded.as_ref().expect("a legal request").as_ref();
            assert_eq!(request.map(|request| request.filename().as_str()), Some(text));
        }
        Err(fault) if name.is_some() || fault.error_len().is_some() => {
            let at = 5 + fault.valid_up_to();
            assert_error_at(at, octet(at), decoded.as_ref().err());
        }
        _ => assert_eq!(*decoded, Ok(None)),
    }
}

/// Panics unless `decoded` is what R3 and R11 say of `bytes`.
pub(crate) fn response(bytes: &[u8], decoded: Result<Option<ResponseHeader>, DecodeError>) {
    let octet = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let is_legal = |at: usize, byte: u8| match at {
        0 => byte == 0x49,
        1 => byte == 0x7E,
        2 => byte == 2,
        3 => byte <= 2,
        _ => octet(3) == 1 || byte == 0,
    };
    let header_bytes = &bytes[..bytes.len().min(8)];
    if let Some(at) = header_bytes.iter().enumerate().position(|(at, byte)| !is_legal(at, *byte)) {
        return assert_error_at(at, octet(at), decoded.as_ref().err());
    }
    let header = decoded.expect("nothing is wrong so far");
    let seen = header.map(|header| (header.status() as u8, header.data_len()));
    let len = u32::from_be_bytes([octet(4), octet(5), octet(6), octet(7)]);
    assert_eq!(seen, (bytes.len() >= 8).then_some((octet(3), len)));
}

/// Panics unless `error` names this byte, the first that shows the fault, and its offset.
fn assert_error_at(at: usize, byte: u8, error: Option<&DecodeError>) {
    let reported = match *error.expect("a fault that can be seen") {
        DecodeError::BadMagic { at, found } if at < 2 => (usize::from(at), found),
        DecodeError::BadType { found } => (2, found),
        DecodeError::BadStatus { found } => (3, found),
        DecodeError::BadFilenameLength { at, found } if at < 5 => (usize::from(at), found),
        DecodeError::UnexpectedData { at, found } if at < 8 => (usize::from(at), found),
        DecodeError::FilenameNotUtf8 { at, found } => (usize::from(at), found),
        other => panic!("another fault: {other:?}"),
    };
    assert_eq!(reported, (at, byte));
}
