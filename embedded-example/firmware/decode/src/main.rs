//! Reads the firmware's defmt frames from standard input and prints them: `fetchlet-decode ELF`.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{env, error, fs};

use defmt_decoder::{DecodeError, Frame, Locations, Table};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fetchlet-decode: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn error::Error>> {
    let path = env::args_os().nth(1).ok_or("usage: fetchlet-decode ELF < FRAMES")?;
    let elf = fs::read(path)?;
    let table = Table::parse(&elf)?.ok_or("the program has no .defmt section")?;
    let locations = table.get_locations(&elf)?;
    let mut stream = table.new_stream_decoder();
    let mut input = io::stdin().lock();
    let mut buffer = [0; 4096];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(len) => stream.received(buffer.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        loop {
            match stream.decode() {
                Ok(frame) => print(&frame, &locations)?,
                Err(DecodeError::UnexpectedEof) => break,
                // The encoding finds its own way to the next frame.
                Err(DecodeError::Malformed) if table.encoding().can_recover() => {
                    eprintln!("fetchlet-decode: a frame is damaged");
                }
                Err(DecodeError::Malformed) => return Err("a frame is damaged".into()),
            }
        }
    }
}

/// `TIME LEVEL MESSAGE (FILE:LINE)`, at once: the reader may be a person who waits.
fn print(frame: &Frame<'_>, locations: &Locations) -> io::Result<()> {
    let time = frame.display_timestamp().map_or(String::new(), |time| time.to_string());
    let level = frame.level().map_or("", |level| level.as_str());
    let mut out = io::stdout().lock();
    write!(out, "{time} {level:5} {}", frame.display_message())?;
    if let Some(location) = locations.get(&frame.index()) {
        let file = location.file.file_name().unwrap_or(Path::new("?").as_os_str());
        write!(out, " ({}:{})", file.to_string_lossy(), location.line)?;
    }
    writeln!(out)?;
    out.flush()
}
