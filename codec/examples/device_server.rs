//! A device that serves two files from memory, one connection at a time. `std::net` stands in for
//! the device's TCP stack; the buffers have fixed sizes, as on a device: `device_server [ADDRESS]`.
//!
//! Try: `cargo run -p fetchlet-codec --example device_server -- 127.0.0.1:5000`

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use fetchlet_codec::{DecodeError, RequestDecoder, ResponseHeader, Status};

/// The files: what the linker would place in the device's flash.
const FILES: [(&str, &[u8]); 2] = [("h.txt", b"hello"), ("empty", b"")];

/// The longest filename in `FILES` is shorter; longer names are answered as not found.
const LONGEST_NAME: usize = 16;

/// The default of PROTOCOL.md (R15), for the whole request and for each write.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long unread input is drained before the connection is closed (R7).
const DRAIN: Duration = Duration::from_millis(500);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let listener = TcpListener::bind(address)?;
    println!("{}", listener.local_addr()?);
    for connection in listener.incoming() {
        if let Err(error) = connection.and_then(|mut connection| serve(&mut connection)) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

/// Serves one exchange (R1).
fn serve(connection: &mut TcpStream) -> io::Result<()> {
    connection.set_write_timeout(Some(TIMEOUT))?;
    let Some((header, data)) = answer(connection)? else { return Ok(()) };
    connection.write_all(&header.encode())?;
    connection.write_all(data)?;
    connection.shutdown(Shutdown::Write)?;
    drain(connection)
}

/// Reads the request and finds the answer; `None` if no request arrived (R6).
fn answer(connection: &mut TcpStream) -> io::Result<Option<(ResponseHeader, &'static [u8])>> {
    let deadline = Instant::now() + TIMEOUT;
    let mut decoder = RequestDecoder::<LONGEST_NAME>::new();
    let mut buffer = [0; 64];
    loop {
        let len = read_until(connection, deadline, &mut buffer)?;
        if len == 0 {
            return Ok(None);
        }
        let status = match decoder.decode(&mut &buffer[..len]) {
            Ok(None) => continue,
            Ok(Some(request)) => {
                let name = request.filename().as_str();
                if let Some((_, data)) = FILES.iter().find(|(known, _)| *known == name) {
                    // The files are far below 4 GiB (R9).
                    return Ok(Some((ResponseHeader::file(data.len() as u32), data)));
                }
                Status::NotFound
            }
            Err(DecodeError::FilenameTooLong { .. }) => Status::NotFound,
            Err(_) => Status::Malformed,
        };
        return Ok(Some((ResponseHeader::without_data(status), b"")));
    }
}

/// Reads once; an error if no byte arrives before `deadline`.
fn read_until(
    connection: &mut TcpStream,
    deadline: Instant,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    connection.set_read_timeout(Some(left))?;
    connection.read(buffer)
}

/// Reads what the client has sent beyond its request, so that closing does not reset the connection
/// and destroy the end of the response (R7).
fn drain(connection: &mut TcpStream) -> io::Result<()> {
    let deadline = Instant::now() + DRAIN;
    let mut buffer = [0; 64];
    while let Ok(1..) = read_until(connection, deadline, &mut buffer) {}
    Ok(())
}
