//! What the program prints on stdout: the addresses, the frames, the file and its checksums.

use std::io::{self, Write};
use std::time::Duration;

use fetchlet_segment::{FrameCounters, Monitor};
use indicatif::{BinaryBytes, HumanBytes};
use smoltcp::wire::Ipv4Cidr;

use crate::args::Args;
use crate::file_sink::FileSink;
use crate::network::{DEVICE, GATEWAY};
use crate::source::Source;

/// Prints the addresses of server, gateway and device, and the request.
pub(crate) fn beginning(args: &Args, source: &Source) -> io::Result<()> {
    let (server, file) = (source.server, source.file.escape_debug());
    match &source.own {
        Some(own) => {
            writeln!(io::stdout(), "server    {server}, serves {file} ({} bytes)", own.size())?;
        }
        None => writeln!(io::stdout(), "server    {server}")?,
    }
    let (gateway, port) = (GATEWAY.address(), server.port());
    writeln!(io::stdout(), "gateway   {gateway} port {port}, hands connections to the server")?;
    writeln!(
        io::stdout(),
        "device    {}, {} to receive into",
        DEVICE.address(),
        HumanBytes(args.rx_buffer as u64)
    )?;
    writeln!(io::stdout(), "request   {file} from {gateway} port {port}")
}

/// Prints the counts of the frames in both directions.
pub(crate) fn segment(monitor: &Monitor) -> io::Result<()> {
    writeln!(io::stdout(), "sent      {}", counted(monitor.sent()))?;
    writeln!(io::stdout(), "received  {}", counted(monitor.received()))
}

fn counted(counters: FrameCounters) -> String {
    let FrameCounters { frames, bytes, dropped, corrupted, overflowed } = counters;
    format!(
        "{frames} frames, {bytes} bytes; {dropped} lost, {corrupted} damaged, {overflowed} too many"
    )
}

/// Prints the file's checksums and returns whether they are those of the served file. The file of
/// another server is whole, and has nothing to be compared with.
pub(crate) fn end(
    args: &Args,
    source: &Source,
    sink: &FileSink,
    len: u32,
    elapsed: Duration,
) -> io::Result<bool> {
    let rate = f64::from(len) / elapsed.as_secs_f64().max(1e-6);
    let ms = elapsed.as_secs_f64() * 1e3;
    writeln!(io::stdout(), "response  {len} bytes in {ms:.1} ms, {}/s", BinaryBytes(rate as u64))?;
    let (crc, sha) = (sink.digests().crc32(), sink.digests().sha256());
    writeln!(io::stdout(), "CRC-32    {crc}  at the device")?;
    writeln!(io::stdout(), "SHA-256   {sha}  at the device")?;
    if let Some(path) = &args.output {
        writeln!(io::stdout(), "kept as   {}", path.display())?;
    }
    let Some(own) = &source.own else {
        writeln!(io::stdout(), "whole: all bytes that the server announced have come")?;
        return Ok(true);
    };
    let (sent_crc, sent_sha) = (own.digests().crc32(), own.digests().sha256());
    writeln!(io::stdout(), "CRC-32    {sent_crc}  at the server")?;
    writeln!(io::stdout(), "SHA-256   {sent_sha}  at the server")?;
    let equal = crc == sent_crc && sha == sent_sha && len == own.size();
    writeln!(
        io::stdout(),
        "{}",
        if equal { "equal: the device has the server's file" } else { "DIFFERENT" }
    )?;
    Ok(equal)
}

/// Prints the line that tells a script where to connect, and what to expect.
pub(crate) fn ready(gateway: Ipv4Cidr, source: &Source) -> io::Result<()> {
    let (port, file) = (source.server.port(), source.file.escape_debug());
    write!(io::stdout(), "ready address={gateway} port={port} file={file}")?;
    if let Some(own) = &source.own {
        let (crc, sha) = (own.digests().crc32(), own.digests().sha256());
        write!(io::stdout(), " bytes={} crc32={crc} sha256={sha}", own.size())?;
    }
    writeln!(io::stdout())?;
    io::stdout().flush()
}

/// The text for the user if stdout can't be written to.
pub(crate) fn unwritten(error: io::Error) -> String {
    format!("cannot write to stdout: {error}")
}
