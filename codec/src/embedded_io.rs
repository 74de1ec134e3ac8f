//! The client on any blocking connection that implements the traits of `embedded_io` 0.7.

use ::embedded_io::{Error, ErrorKind, Read, Write};

use crate::{Download, Event, ExchangeError, Filename, Request, Status};

/// Fetches the file named `filename` over `connection` and writes its bytes to `sink`. Returns the
/// file's length, in bytes.
///
/// One read takes at most `buffer.len()` bytes: a buffer of one byte is enough, a kilobyte or more
/// is fast. The sink gets the data as the data arrives, so that after an error it may hold a part
/// of the file (R14 is the caller's to keep). After the last byte, the sink is flushed. The
/// connection stays open: close it.
///
/// A call of the connection or the sink that ends with [`ErrorKind::Interrupted`] is made again, as
/// often as it ends so. `fetch` blocks as long as the connection and the sink block: set the
/// timeouts there (R15).
///
/// # Errors
///
/// A [`ExchangeError`]. The error of a response that ended early has both counts (R12).
///
/// ```
/// use fetchlet_codec::{Filename, embedded_io::fetch};
///
/// fn fetch_configuration<C: embedded_io::Read + embedded_io::Write>(
///     connection: &mut C,
///     flash: &mut [u8; 4096],
/// ) -> Option<u32> {
///     let name = Filename::<64>::new("config.bin").ok()?;
///     fetch(name, connection, &mut [0; 512], &mut flash.as_mut_slice()).ok()
/// }
/// ```
pub fn fetch<C: Read + Write, S: Write, const N: usize>(
    filename: Filename<N>,
    connection: &mut C,
    buffer: &mut [u8],
    sink: &mut S,
) -> Result<u32, ExchangeError<C::Error, S::Error>> {
    if buffer.is_empty() {
        return Err(ExchangeError::EmptyBuffer);
    }
    let mut download = Download::new(Request::new(filename));
    send(&mut download, connection, buffer).map_err(ExchangeError::Connection)?;
    while !download.is_done() {
        let received = read(connection, buffer).map_err(ExchangeError::Connection)?;
        if received == 0 {
            break;
        }
        let mut input = buffer.get(..received).unwrap_or_default();
        while let Some(event) = download.receive(&mut input)? {
            match event {
                Event::Header(header) => match header.status() {
                    Status::File => {}
                    Status::NotFound => return Err(ExchangeError::NotFound),
                    Status::Malformed => return Err(ExchangeError::Malformed),
                },
                Event::Data(data) => store(data, sink)?,
                Event::End => {}
            }
        }
    }
    download.finish()?;
    flush(sink).map_err(ExchangeError::Sink)?;
    Ok(download.progress().map_or(0, |progress| progress.received))
}

/// Sends the request. Returns early if the connection accepts no more bytes: the next `read` then
/// tells that the connection has ended, or returns a response to the part that was sent (R5).
fn send<C: Write, const N: usize>(
    download: &mut Download<N>,
    connection: &mut C,
    buffer: &mut [u8],
) -> Result<(), C::Error> {
    loop {
        let len = download.transmit(buffer);
        let mut rest = buffer.get(..len).unwrap_or_default();
        if rest.is_empty() {
            return flush(connection);
        }
        while !rest.is_empty() {
            let written = write(connection, rest)?;
            if written == 0 {
                return Ok(());
            }
            rest = rest.get(written..).unwrap_or_default();
        }
    }
}

/// Writes all of `data` to `sink`. `write_all` of the trait would panic when a `write` returns 0.
fn store<C, S: Write>(mut data: &[u8], sink: &mut S) -> Result<(), ExchangeError<C, S::Error>> {
    while !data.is_empty() {
        let written = write(sink, data).map_err(ExchangeError::Sink)?;
        if written == 0 {
            return Err(ExchangeError::SinkFull);
        }
        data = data.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn read<C: Read>(connection: &mut C, buffer: &mut [u8]) -> Result<usize, C::Error> {
    loop {
        match connection.read(buffer) {
            Err(error) if is_interrupted(&error) => {}
            result => return result,
        }
    }
}

fn write<W: Write>(writer: &mut W, data: &[u8]) -> Result<usize, W::Error> {
    loop {
        match writer.write(data) {
            Err(error) if is_interrupted(&error) => {}
            result => return result,
        }
    }
}

fn flush<W: Write>(writer: &mut W) -> Result<(), W::Error> {
    loop {
        match writer.flush() {
            Err(error) if is_interrupted(&error) => {}
            result => return result,
        }
    }
}

fn is_interrupted(error: &impl Error) -> bool {
    error.kind() == ErrorKind::Interrupted
}
