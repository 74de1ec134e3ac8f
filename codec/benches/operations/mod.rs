//! The operations that `messages` measures in time and `instructions` in instructions: the codec's,
//! and httparse's for the same step of HTTP. All inputs are opaque to the compiler.

use std::hint::black_box;

use fetchlet_codec::{
    Download, Event, Filename, Request, RequestDecoder, ResponseDecoder, ResponseHeader,
};
use httparse::{EMPTY_HEADER, Status};

const NAME: &str = "firmware/board-2.bin";
const REQUEST: &[u8] = b"\x49\x7E\x01\x00\x14firmware/board-2.bin";
const RESPONSE: &[u8] = b"\x49\x7E\x02\x01\x00\x04\x00\x00";
const GET: &[u8] = b"GET /firmware/board-2.bin HTTP/1.0\r\n\r\n";
const ONE_HEADER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 262144\r\n\r\n";
/// The header of nginx 1.22's response for a file.
const NGINX: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\
    Date: Tue, 24 Nov 2026 19:16:07 GMT\r\nContent-Type: application/octet-stream\r\n\
    Content-Length: 262144\r\nLast-Modified: Tue, 24 Nov 2026 19:16:07 GMT\r\n\
    Connection: close\r\nETag: \"65c0f2b7-40000\"\r\nAccept-Ranges: bytes\r\n\r\n";

/// The name of an operation, and a function that runs the operation once.
pub(crate) type Operation = (&'static str, fn());

pub(crate) const OPERATIONS: [Operation; 10] = [
    ("request: decode, a Request<1024>", || {
        black_box(decode_request::<1024>(black_box(REQUEST)));
    }),
    ("request: decode, a Request<64>", || {
        black_box(decode_request::<64>(black_box(REQUEST)));
    }),
    ("request: decode, in two pieces", || {
        black_box(decode_in_two(black_box(REQUEST)));
    }),
    ("request: httparse, a minimal GET", || {
        black_box(parse_get(black_box(GET)));
    }),
    ("request: encode", || {
        black_box(encode_request(black_box(NAME), black_box(&mut [0; 64])));
    }),
    ("response head: decode", || {
        black_box(decode_response(black_box(RESPONSE)));
    }),
    ("response head: httparse, 1 header", || {
        black_box(parse_response(black_box(ONE_HEADER)));
    }),
    ("response head: httparse, nginx's 8 headers", || {
        black_box(parse_response(black_box(NGINX)));
    }),
    ("response head: encode", || {
        black_box(black_box(ResponseHeader::file(black_box(262_144))).encode());
    }),
    ("exchange: a client's, without the data", || {
        black_box(exchange(black_box(NAME), black_box(RESPONSE), black_box(&mut [0; 64])));
    }),
];

/// Decodes with a new decoder, as a server does for each connection. Looks at the request where the
/// decoder has put it: `ok` and `?` would copy its 1 KiB once more, which is no work of the codec.
fn decode_request<const N: usize>(mut input: &[u8]) -> Option<u8> {
    match RequestDecoder::<N>::new().decode(&mut input) {
        Ok(Some(ref request)) => first(request.filename().as_str()),
        Ok(None) | Err(_) => None,
    }
}

fn decode_in_two(input: &[u8]) -> Option<u8> {
    let (mut start, mut end) = input.split_at_checked(9)?;
    let mut decoder = RequestDecoder::<1024>::new();
    let Ok(None) = decoder.decode(&mut start) else { return None };
    match decoder.decode(&mut end) {
        Ok(Some(ref request)) => first(request.filename().as_str()),
        Ok(None) | Err(_) => None,
    }
}

fn parse_get(input: &[u8]) -> Option<u8> {
    let mut headers = [EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(Status::Complete(_)) = request.parse(input) else { return None };
    first(request.path?.strip_prefix('/')?)
}

/// Reads the name's first byte, so that the compiler cannot drop the name.
fn first(name: &str) -> Option<u8> {
    black_box(name).bytes().next()
}

fn decode_response(mut input: &[u8]) -> Option<u32> {
    Some(ResponseDecoder::new().decode(&mut input).ok()??.data_len())
}

fn parse_response(input: &[u8]) -> Option<u64> {
    let mut headers = [EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(Status::Complete(_)) = response.parse(input) else { return None };
    let mut headers = response.headers.iter();
    let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"))?;
    std::str::from_utf8(length.value).ok()?.parse().ok()
}

fn encode_request(name: &str, out: &mut [u8]) -> Option<usize> {
    Request::<1024>::new(Filename::new(name).ok()?).encode(out).ok()
}

fn exchange(name: &str, mut input: &[u8], out: &mut [u8]) -> Option<u32> {
    let mut download = Download::<64>::new(Request::new(Filename::new(name).ok()?));
    black_box(download.transmit(out));
    match download.receive(&mut input).ok()?? {
        Event::Header(header) => Some(header.data_len()),
        _ => None,
    }
}
