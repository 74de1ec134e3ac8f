//! Fetches a file over `std::net` and writes the file to standard output: `client ADDRESS
//! FILENAME`.
//!
//! Try: `cargo run -p fetchlet-codec --example client -- 127.0.0.1:5000 h.txt`

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use std::{env, io};

use fetchlet_codec::{Download, Event, Filename, Request, Status};

/// The default of PROTOCOL.md (R15): a device that erases flash reads nothing for seconds.
const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, name] = &arguments[..] else {
        return Err("usage: client ADDRESS FILENAME".into());
    };
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    fetch(&mut connection, Filename::new(name)?, &mut io::stdout())
}

/// Drives a `Download` over `connection` until the response is whole or the connection ends.
fn fetch(
    connection: &mut TcpStream,
    name: Filename<64>,
    sink: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut buffer = [0; 1024];
    let mut download = Download::new(Request::new(name));
    while download.wants_transmit() {
        let len = download.transmit(&mut buffer);
        connection.write_all(&buffer[..len])?;
    }
    while !download.is_done() {
        let len = connection.read(&mut buffer)?;
        if len == 0 {
            break;
        }
        let mut input = &buffer[..len];
        while let Some(event) = download.receive(&mut input)? {
            match event {
                Event::Header(header) if header.status() != Status::File => {
                    return Err(format!("the server answered: {:?}", header.status()).into());
                }
                Event::Header(header) => eprintln!("{} bytes", header.data_len()),
                Event::Data(data) => sink.write_all(data)?,
                Event::End => sink.flush()?,
            }
        }
    }
    // The file is whole only if `finish` returns `Ok` (R12).
    Ok(download.finish()?)
}
