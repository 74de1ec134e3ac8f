//! Messages of the protocol as raw bytes, and a client that writes any bytes and returns what it
//! received.
//!
//! Written by hand, not with the codec: a mistake of the codec must show.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::child_process::PATIENCE;

/// The response to a request for a file of 5 bytes, `hello` (R3).
pub const HELLO: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x05hello";

/// The response for a name that leads to no file (R8).
pub const NOT_FOUND: &[u8] = b"\x49\x7E\x02\x00\x00\x00\x00\x00";

/// The response to bytes that are no request (R5).
pub const MALFORMED: &[u8] = b"\x49\x7E\x02\x02\x00\x00\x00\x00";

/// Longest answer that [`exchange`] reads, in bytes: more than any test compares, and little enough
/// that a server that never stops fails a test before memory runs out.
const MAX_ANSWER: u64 = 32 << 20;

/// Encodes a request for `name` (R2). The name may be illegal; only its length must fit in 16 bits.
///
/// # Panics
///
/// If the name has more than 65,535 bytes.
pub fn request(name: &[u8]) -> Vec<u8> {
    let len = u16::try_from(name.len()).expect("a length of 16 bits");
    [b"\x49\x7E\x01", &len.to_be_bytes()[..], name].concat()
}

/// Encodes the response that carries a file with this content (R3).
///
/// # Panics
///
/// If the content has 4 GiB or more.
pub fn response(content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).expect("a length of 32 bits");
    [b"\x49\x7E\x02\x01", &len.to_be_bytes()[..], content].concat()
}

/// Connects to `addr`. Each read and each write of the connection fails with `WouldBlock` after
/// [`PATIENCE`].
///
/// # Errors
///
/// If the connection is refused or not accepted within [`PATIENCE`].
pub fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect_timeout(&addr, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    Ok(connection)
}

/// Connects and requests the file `name`.
///
/// # Errors
///
/// As [`connect`], and errors of the connection.
pub fn ask(addr: SocketAddr, name: &[u8]) -> io::Result<TcpStream> {
    let mut connection = connect(addr)?;
    connection.write_all(&request(name))?;
    Ok(connection)
}

/// Reads until the peer closes.
///
/// # Errors
///
/// Errors of the connection: among them a reset, and `WouldBlock` after [`PATIENCE`] without a
/// byte.
pub fn read_all(mut connection: impl Read) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Connects, writes `bytes`, and returns what the server sends until it closes, at most 32 MiB.
///
/// The client does not close its sending side, so only the bytes tell the server where the request
/// ends.
///
/// # Errors
///
/// Errors of the connection: among them a reset, and `WouldBlock` after [`PATIENCE`] without a
/// byte.
pub fn exchange(addr: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut connection = connect(addr)?;
    connection.write_all(bytes)?;
    read_all(connection.take(MAX_ANSWER))
}
