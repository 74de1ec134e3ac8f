//! The response's way out: a small file with its header in one write, a large one by sendfile.
//!
//! Both read the page cache in place. What is done about files that are not in it belongs here too:
//! before the `pread` of a small body, before the `sendfile` of each chunk of a large one.

use std::io;
use std::time::Duration;

use fetchlet_codec::{RESPONSE_HEADER, ResponseHeader, Status};
use rustix::buffer::spare_capacity;
use rustix::fs::sendfile;
use rustix::io::Errno;
use rustix::net::{SendFlags, sockopt};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task;
use tokio::time;

use super::outcome::{End, Outcome, Record};
use super::root::Opened;

/// Up to here a copy is cheaper than a second system call.
const SMALL: u32 = 64 * 1024;

/// What one connection may send before it is another's turn.
const CHUNK: usize = 256 * 1024;

/// What it may send when its socket is not writable, to learn whether its peer takes anything at all.
const NUDGE: usize = 4 * 1024;

/// How often within the time-out it tries that.
const NUDGES: u32 = 8;

/// How much may wait unsent in the kernel. Without it each slow reader grows a send buffer of up to
/// 4 MiB, and a thousand of them use up the TCP memory of the whole system.
const UNSENT: u32 = 128 * 1024;

/// Announces `file` and sends exactly what was announced (R10), or ends early.
pub(super) async fn file(
    stream: &TcpStream,
    file: &Opened,
    timeout: Duration,
    record: &mut Record,
) -> Outcome {
    let header = ResponseHeader::file(file.len).encode();
    let mut left = &header[..];
    if file.len <= SMALL {
        match at_once(stream, file, &header) {
            Ok(sent) => {
                record.status = (sent > 0).then_some(Status::File);
                record.bytes = count(sent.saturating_sub(RESPONSE_HEADER));
                left = header.get(sent..).unwrap_or_default();
            }
            Err(error) => return failed(&error),
        }
    }
    if record.bytes < file.len || !left.is_empty() {
        // Boxed: its room is not needed by a connection that is idle.
        match Box::pin(in_turns(stream, file, left, timeout, record)).await {
            Ok(()) if record.bytes < file.len => return short(record.bytes, file.len),
            Ok(()) => {}
            Err(error) => return failed(&error),
        }
    }
    (End::Sent, None)
}

/// Header and data in one write, and how much of both the system took. The rest, or that there is
/// none, is left to `in_turns`, which holds no buffer while it waits.
fn at_once(stream: &TcpStream, file: &Opened, header: &[u8]) -> io::Result<usize> {
    let len = usize::try_from(file.len).unwrap_or(usize::MAX);
    let whole = len.saturating_add(header.len());
    let mut response = Vec::with_capacity(whole);
    response.extend_from_slice(header);
    while response.len() < whole {
        let offset = response.len().saturating_sub(header.len());
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        match rustix::io::pread(&file.file, spare_capacity(&mut response), offset) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    // The file may have grown, and the allocator been generous.
    response.truncate(whole);
    match stream.try_write(&response) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        taken => taken,
    }
}

/// What is left of the header, then the data from `record.bytes` on. `Ok` with too few bytes: the file
/// has no more.
async fn in_turns(
    stream: &TcpStream,
    file: &Opened,
    header: &[u8],
    timeout: Duration,
    record: &mut Record,
) -> io::Result<()> {
    prepare(stream);
    let mut header = header;
    while !header.is_empty() {
        let more =
            |_| Ok(rustix::net::send(stream, header, SendFlags::MORE | SendFlags::NOSIGNAL)?);
        let sent = progress(stream, timeout, more).await?;
        header = header.get(sent..).unwrap_or_default();
    }
    record.status = Some(Status::File);
    while record.bytes < file.len {
        let mut offset = u64::from(record.bytes);
        let left = usize::try_from(file.len - record.bytes).unwrap_or(usize::MAX);
        let chunk = |most| Ok(sendfile(stream, &file.file, Some(&mut offset), left.min(most))?);
        let sent = progress(stream, timeout, chunk).await?;
        if sent == 0 {
            break;
        }
        record.bytes = record.bytes.saturating_add(count(sent));
        task::yield_now().await;
    }
    Ok(())
}

/// Sets the socket up for a long response. Both only make it better: without them it still works.
fn prepare(stream: &TcpStream) {
    sockopt::set_tcp_nodelay(stream, true).ok();
    SockRef::from(stream).set_tcp_notsent_lowat(UNSENT).ok();
}

/// Sends up to [`CHUNK`] once the socket is writable, or up to [`NUDGE`] before. Fails if nothing
/// can be sent for `timeout` (R15).
///
/// A socket is writable again only once half of what waited in it has left, which takes a healthy
/// device on a slow link longer than the time-out. It takes a few bytes much earlier.
async fn progress(
    stream: &TcpStream,
    timeout: Duration,
    mut send: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    for _ in 0..NUDGES {
        let sending = stream.async_io(Interest::WRITABLE, || send(CHUNK));
        if let Ok(sent) = time::timeout(timeout / NUDGES, sending).await {
            return sent;
        }
        match send(NUDGE) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
    }
    Err(Errno::TIMEDOUT.into())
}

/// Sends a few bytes; as the first on a connection they all but always fit.
pub(super) async fn all(stream: &TcpStream, bytes: &[u8], timeout: Duration) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        let some = || rustix::net::send(stream, left, SendFlags::NOSIGNAL).map_err(io::Error::from);
        let sent = match some() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Boxed as above.
                Box::pin(progress(stream, timeout, |_| some())).await?
            }
            sent => sent?,
        };
        left = left.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// Whose fault it is that sending failed.
pub(super) fn failed(error: &io::Error) -> Outcome {
    let end = match Errno::from_io_error(error) {
        Some(Errno::TIMEDOUT) => End::Stalled,
        Some(
            Errno::PIPE
            | Errno::CONNRESET
            | Errno::CONNABORTED
            | Errno::HOSTUNREACH
            | Errno::NETUNREACH
            | Errno::NETDOWN
            | Errno::NOTCONN,
        ) => End::PeerGone,
        _ => return (End::ServerFault, Some(error.to_string().into())),
    };
    (end, None)
}

fn short(sent: u32, announced: u32) -> Outcome {
    let reason = format!("{announced} bytes were announced, but it now ends after {sent} (R10)");
    (End::ShortFile, Some(reason.into()))
}

/// Counts of data are at most the file's length, which is a `u32` (R9).
fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
