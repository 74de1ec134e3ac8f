//! The response's way out: a small file with its header in one write, a large one by sendfile.
//!
//! Both take what is in the page cache; for what is not, [`cold`] waits first.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fetchlet_codec::{RESPONSE_HEADER, ResponseHeader, Status};
use rustix::fs::sendfile;
use rustix::io::Errno;
use rustix::net::{SendFlags, sockopt};
use tokio::io::Interest;
use tokio::task::coop;
use tokio::time;

use super::cold::{self, Ahead};
use super::outcome::{End, Outcome, Record};
use super::root::Opened;
use super::socket::Socket;
use super::unsent::Pace;

/// Up to here a copy is cheaper than a second system call.
const SMALL: u32 = 64 * 1024;

/// What is tried when a socket is not writable, to learn whether its peer takes anything at all.
const NUDGE: usize = 4 * 1024;

/// How often within the time-out it tries that.
const NUDGES: u32 = 8;

/// Announces `file` and sends exactly what was announced (R10), or ends early.
pub(super) async fn file(
    socket: &mut Socket,
    file: Opened,
    timeout: Duration,
    record: &mut Record,
) -> Outcome {
    let file = Arc::new(file);
    let header = ResponseHeader::file(file.len).encode();
    let mut left = &header[..];
    if file.len <= SMALL {
        match small(socket, &file, &header).await {
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
        match Box::pin(in_turns(socket, &file, left, timeout, record)).await {
            Ok(()) if record.bytes < file.len => return short(record.bytes, file.len),
            Ok(()) if file.was_cut() => {
                // The socket holds the file's own pages: what was cut off it is zeros in there, too. A
                // reset drops what has not left yet, so that they do not pass for the file's end.
                socket.at_once(|fd| sockopt::set_socket_linger(fd, Some(Duration::ZERO))).ok();
                return short(record.bytes, file.len);
            }
            Ok(()) => {}
            Err(error) => return failed(&error),
        }
    }
    (End::Sent, None)
}

/// Header and data in one write, and how much of both the system took. The rest, or that there is
/// none, is left to `in_turns`, which holds no buffer while it waits.
async fn small(socket: &Socket, file: &Arc<Opened>, header: &[u8]) -> io::Result<usize> {
    let mut response = whole(file, header, cold::read_resident);
    if response.is_none() {
        cold::warm(file, 0).await??;
        response = whole(file, header, cold::read_warmed);
    }
    let send = |fd: BorrowedFd<'_>| {
        rustix::net::send(fd, &response.unwrap_or_default(), SendFlags::NOSIGNAL)
    };
    match socket.at_once(send) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        taken => taken,
    }
}

/// Header and data, unless some of it is not in memory. Less, if the file has become shorter.
fn whole(file: &Opened, header: &[u8], read: cold::Read) -> Option<Vec<u8>> {
    let len = header.len().saturating_add(usize::try_from(file.len).ok()?);
    let mut response = vec![0; len];
    let (head, mut room) = response.split_at_mut_checked(header.len())?;
    head.copy_from_slice(header);
    let mut offset = 0;
    while !room.is_empty() {
        let read = read(file, room, offset)?;
        if read == 0 {
            let missing = room.len();
            response.truncate(len.saturating_sub(missing));
            break;
        }
        room = room.get_mut(read..)?;
        offset = offset.saturating_add(u64::from(count(read)));
    }
    Some(response)
}

/// What is left of the header, then the data from `record.bytes` on. `Ok` with too few bytes: the file
/// has no more.
async fn in_turns(
    socket: &mut Socket,
    file: &Arc<Opened>,
    header: &[u8],
    timeout: Duration,
    record: &mut Record,
) -> io::Result<()> {
    all(socket, header, timeout, SendFlags::MORE).await?;
    record.status = Some(Status::File);
    let mut ahead = Ahead::new(Arc::clone(file));
    let mut pace = Pace::new(record.bytes, Instant::now());
    while record.bytes < file.len {
        let mut offset = u64::from(record.bytes);
        let left = ahead.reach(offset, pace.turn()).await?;
        let some = |fd: BorrowedFd<'_>, most| {
            let sent = sendfile(fd, &file.file, Some(&mut offset), most)?;
            Ok((sent, sent < most && !file.was_cut()))
        };
        let sent = progress(socket, timeout, left, some).await?;
        if sent == 0 {
            break;
        }
        record.bytes = record.bytes.saturating_add(count(sent));
        pace.note(record.bytes, Instant::now(), socket);
        coop::consume_budget().await;
    }
    Ok(())
}

/// Has the socket take `most` bytes by `send`, which says how many it took and whether it is full; or what it takes within an eighth of `timeout`, or of [`NUDGE`] bytes
/// what it takes before it is writable. Fails if it takes nothing for `timeout` (R15).
///
/// A socket is writable again only once half of what waited in it has left, which takes a healthy
/// device on a slow link longer than the time-out. It takes a few bytes much earlier.
async fn progress(
    socket: &mut Socket,
    timeout: Duration,
    most: usize,
    mut send: impl FnMut(BorrowedFd<'_>, usize) -> Result<(usize, bool), Errno>,
) -> io::Result<usize> {
    for _ in 0..NUDGES {
        let mut taken: usize = 0;
        let sending = socket.io(Interest::WRITABLE, |fd| {
            let (sent, is_full) = send(fd, most.saturating_sub(taken))?;
            taken = taken.saturating_add(sent);
            // It takes no more now: asking it would only cost a call.
            if sent > 0 && is_full { Err(Errno::AGAIN) } else { Ok(()) }
        });
        match time::timeout(timeout / NUDGES, sending).await {
            // An error is told again by the next call.
            _ if taken > 0 => return Ok(taken),
            Ok(ended) => return ended.map(|()| taken),
            Err(_) => {}
        }
        match socket.at_once(|fd| send(fd, most.min(NUDGE))) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent.map(|(sent, _)| sent),
        }
    }
    Err(Errno::TIMEDOUT.into())
}

/// Sends a few bytes; as the first on a connection they all but always fit.
pub(super) async fn all(
    socket: &mut Socket,
    bytes: &[u8],
    timeout: Duration,
    flags: SendFlags,
) -> io::Result<()> {
    let flags = flags | SendFlags::NOSIGNAL;
    let mut left = bytes;
    while !left.is_empty() {
        let some = |fd: BorrowedFd<'_>| rustix::net::send(fd, left, flags);
        let sent = match socket.at_once(some) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Boxed as above. It is done once some are taken.
                Box::pin(progress(socket, timeout, 1, |fd, _| Ok((some(fd)?, false)))).await?
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
    let reason =
        format!("it became shorter than {announced} bytes once {sent} were on their way (R10)");
    (End::ShortFile, Some(reason.into()))
}

/// Counts of data are at most the file's length, which is a `u32` (R9).
fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
