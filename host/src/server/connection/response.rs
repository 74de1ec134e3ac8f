//! The response to a request: a file, or a status without data (R3).

use std::io;
use std::mem;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use fetchlet_codec::{DecodeError, RESPONSE_HEADER, ResponseHeader, Status};
use rustix::io::Errno;
use rustix::net::{SendFlags, sockopt};

use super::body::{Body, FileBody, Prefetched, RemoteBody};
use super::copy::copy_loop;
use super::send::send_all;
use super::send_error::SendError;
use super::sendfile::sendfile_loop;
use super::socket::Socket;
use crate::server::access_log::{AccessLogEntry, EndReason, ExchangeEnd};
use crate::server::context::ServerContext;
use crate::server::file::{self, LookupError, OpenFile, Opened};

/// A file of at most this many bytes is sent with its header in one call: up to here, to copy the
/// bytes is cheaper than a second system call.
const SMALL_FILE_LEN: u32 = 64 * 1024;

/// Answers a whole request: with the file of that name, or with "not found" (R8).
pub(super) async fn answer_request(
    context: &ServerContext,
    socket: &mut Socket,
    name: Arc<str>,
    entry: &mut AccessLogEntry,
) -> ExchangeEnd {
    let timeout = context.config.timeout;
    let Some(_permit) = context.limits.acquire_file(timeout).await else {
        return ExchangeEnd::because(EndReason::ServerFault, "too many files are being sent");
    };
    let opened = file::open(&context.root, &context.bulkheads, name, timeout).await;
    match opened {
        Ok(Opened::Local(file)) => send_file(socket, file, timeout, entry).await,
        // Boxed: these are rare, and an exchange shall not hold the memory of their futures.
        Ok(Opened::Remote(mut file)) => {
            let (len, front) = (file.len, mem::take(&mut file.front));
            let rest = RemoteBody::new(*file, len_u32(&front));
            let body = Prefetched::new(front, rest);
            Box::pin(send_body(socket, len, body, timeout, entry)).await
        }
        Ok(Opened::Content(content)) => {
            Box::pin(send_body(socket, len_u32(&content), content, timeout, entry)).await
        }
        Err(LookupError::NotFound(reason)) => {
            send_status(socket, Status::NotFound, EndReason::NotFound, timeout, entry)
                .await
                .or_because(reason)
        }
        Err(LookupError::Busy) => ExchangeEnd::fault(&"the file is busy"),
        Err(LookupError::Fault(error)) => ExchangeEnd::fault(&error),
    }
}

/// Answers bytes that are no request (R5).
pub(super) async fn answer_malformed(
    socket: &mut Socket,
    error: DecodeError,
    timeout: Duration,
    entry: &mut AccessLogEntry,
) -> ExchangeEnd {
    send_status(socket, Status::Malformed, EndReason::Malformed, timeout, entry)
        .await
        .or_because(error.to_string())
}

/// Sends a response without data, after which the exchange ends with `end`.
async fn send_status(
    socket: &mut Socket,
    status: Status,
    end: EndReason,
    timeout: Duration,
    entry: &mut AccessLogEntry,
) -> ExchangeEnd {
    let header = ResponseHeader::without_data(status).encode();
    match send_all(socket, &header, timeout, SendFlags::empty()).await {
        Ok(()) => {
            entry.status = Some(status);
            end.into()
        }
        Err(error) => connection_failure(&error),
    }
}

/// Announces `file`, then sends exactly as many bytes as announced, or ends early (R10).
async fn send_file(
    socket: &mut Socket,
    file: OpenFile,
    timeout: Duration,
    entry: &mut AccessLogEntry,
) -> ExchangeEnd {
    let file = Arc::new(file);
    let header = ResponseHeader::file(file.len).encode();
    let mut unsent_header = &header[..];
    if file.len <= SMALL_FILE_LEN {
        match send_small(socket, &file, &header).await {
            Ok(sent) => {
                entry.status = (sent > 0).then_some(Status::File);
                let data = sent.saturating_sub(RESPONSE_HEADER);
                entry.bytes = u32::try_from(data).unwrap_or(u32::MAX);
                unsent_header = header.get(sent..).unwrap_or_default();
            }
            Err(error) => return send_failure(&error),
        }
    }
    if entry.bytes == file.len && unsent_header.is_empty() {
        return EndReason::Sent.into();
    }
    // Boxed: an exchange that is over by now shall not hold the memory of this future.
    match Box::pin(send_rest(socket, &file, unsent_header, timeout, entry)).await {
        Ok(DataEnd::Whole) => EndReason::Sent.into(),
        Ok(DataEnd::Short) => short_file(file.len, entry.bytes),
        Err(error) => send_failure(&error),
    }
}

/// Announces `len` bytes, then sends those of `body` (R10).
async fn send_body(
    socket: &mut Socket,
    len: u32,
    mut body: impl Body + Send,
    timeout: Duration,
    entry: &mut AccessLogEntry,
) -> ExchangeEnd {
    let header = ResponseHeader::file(len).encode();
    let flags = if len > 0 { SendFlags::MORE } else { SendFlags::empty() };
    if let Err(error) = send_all(socket, &header, timeout, flags).await {
        return connection_failure(&error);
    }
    entry.status = Some(Status::File);
    match copy_loop(&mut body, socket, timeout, &mut entry.bytes).await {
        Ok(()) if entry.bytes == len => EndReason::Sent.into(),
        Ok(()) => short_file(len, entry.bytes),
        Err(error) => send_failure(&error),
    }
}

/// The length of bytes that are no more than a file may have (R9).
fn len_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn short_file(len: u32, sent: u32) -> ExchangeEnd {
    let reason = format!("it became shorter than {len} bytes once {sent} were on their way (R10)");
    ExchangeEnd::because(EndReason::ShortFile, reason)
}

/// Sends header and data in one call, and returns how many bytes of both the socket took. Does not
/// wait for the socket: [`send_rest`] does, which holds no copy of the data meanwhile.
async fn send_small(
    socket: &Socket,
    file: &Arc<OpenFile>,
    header: &[u8],
) -> Result<usize, SendError> {
    let response = file::read_whole(file, header).await.map_err(SendError::File)?;
    let send = |fd: BorrowedFd<'_>| rustix::net::send(fd, &response, SendFlags::NOSIGNAL);
    match socket.try_now(send) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        taken => taken.map_err(SendError::Connection),
    }
}

/// How the data of a response ended.
enum DataEnd {
    /// The socket took as many bytes as announced.
    Whole,
    /// The file has become shorter than announced (R10).
    Short,
}

/// Sends what is left of the header, then the data from byte `entry.bytes` on.
async fn send_rest(
    socket: &mut Socket,
    file: &Arc<OpenFile>,
    unsent_header: &[u8],
    timeout: Duration,
    entry: &mut AccessLogEntry,
) -> Result<DataEnd, SendError> {
    // MORE: the header leaves in one segment with the first data.
    let header = send_all(socket, unsent_header, timeout, SendFlags::MORE).await;
    header.map_err(SendError::Connection)?;
    entry.status = Some(Status::File);
    let before = entry.bytes;
    let refused = match sendfile_loop(file, socket, timeout, &mut entry.bytes).await {
        Err(SendError::File(error)) if is_refusal(&error) => true,
        ended => ended.map(|()| false)?,
    };
    let went_by_sendfile = entry.bytes > before;
    if refused {
        let mut body = FileBody::new(Arc::clone(file), entry.bytes);
        copy_loop(&mut body, socket, timeout, &mut entry.bytes).await?;
    }
    if entry.bytes < file.len {
        return Ok(DataEnd::Short);
    }
    if went_by_sendfile && file.was_truncated() {
        // What sendfile gave to the socket are the pages of the file itself. There, too, the kernel
        // has put zeros in the place of what was cut off. A reset drops the pages that have not
        // left yet, so that zeros do not pass for the end of the file.
        socket.try_now(|fd| sockopt::set_socket_linger(fd, Some(Duration::ZERO))).ok();
        return Ok(DataEnd::Short);
    }
    Ok(DataEnd::Whole)
}

/// Whether the kernel or the file system of a file can't do sendfile(2) at all.
fn is_refusal(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// Tells by whose fault sending failed: this machine's, if it could not read the file.
fn send_failure(error: &SendError) -> ExchangeEnd {
    match error {
        SendError::File(error) => ExchangeEnd::fault(error),
        SendError::Connection(error) => connection_failure(error),
    }
}

/// Tells by whose fault the connection failed. What routers and hosts on the way say (icmp(7)) is
/// not this machine's.
fn connection_failure(error: &io::Error) -> ExchangeEnd {
    match Errno::from_io_error(error) {
        Some(Errno::TIMEDOUT) => EndReason::Stalled.into(),
        Some(
            Errno::PIPE
            | Errno::CONNRESET
            | Errno::CONNABORTED
            | Errno::HOSTUNREACH
            | Errno::NETUNREACH
            | Errno::NETDOWN
            | Errno::HOSTDOWN
            | Errno::NONET
            | Errno::CONNREFUSED
            | Errno::NOPROTOOPT
            | Errno::PROTO
            | Errno::NOTCONN,
        ) => EndReason::PeerGone.into(),
        _ => ExchangeEnd::fault(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use tokio::time::Instant;

    use super::*;

    /// A body whose file system fails with the error numbers of a connection.
    struct Unreadable(Errno);

    impl Body for Unreadable {
        async fn read(&mut self, _chunk: Vec<u8>, _max_len: usize) -> io::Result<Vec<u8>> {
            Err(self.0.into())
        }
    }

    #[tokio::test]
    async fn a_file_that_can_not_be_read_is_never_the_fault_of_the_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1024));
        for errno in [Errno::TIMEDOUT, Errno::CONNRESET, Errno::NOTCONN, Errno::IO] {
            let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let mut socket = Socket::Unregistered(listener.accept().unwrap().0);
            let mut entry = AccessLogEntry::new(peer, Instant::now());
            let (body, timeout) = (Unreadable(errno), Duration::from_secs(20));
            let ended = send_body(&mut socket, 5, body, timeout, &mut entry).await;
            assert_eq!(ended.end, EndReason::ServerFault, "{errno}");
            assert_eq!(ended.reason, Some(errno.to_string().into()));
        }
    }

    #[test]
    fn what_the_way_to_the_peer_says_is_not_the_fault_of_this_machine() {
        for errno in [Errno::PIPE, Errno::CONNRESET, Errno::HOSTUNREACH, Errno::PROTO] {
            assert_eq!(connection_failure(&errno.into()).end, EndReason::PeerGone, "{errno}");
        }
        assert_eq!(connection_failure(&Errno::TIMEDOUT.into()).end, EndReason::Stalled);
        assert_eq!(connection_failure(&Errno::NOBUFS.into()).end, EndReason::ServerFault);
    }
}
