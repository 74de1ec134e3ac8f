//! One connection: a request in, a response out, and a close that does not destroy it (R1, R7).

use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use fetchlet_codec::{DecodeError, RequestDecoder, ResponseHeader, Status};
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::limits::Place;
use super::outcome::{End, Outcome, Record};
use super::root::Refusal;
use super::socket::Socket;
use super::{Shared, close, cold, send};

/// The longest request and some surplus, all in one read (R2).
pub(super) const READ: usize = 2048;

/// Serves the connection from here to its close.
///
/// Parameters are dropped last to first: the place must outlive the socket.
pub(super) async fn serve(
    shared: Arc<Shared>,
    place: Place,
    stream: net::TcpStream,
    peer: SocketAddr,
    accepted: Instant,
    mut stop: Stop,
) {
    let mut socket = Socket::Unwatched(stream);
    let mut record = Record::new(peer, accepted);
    let outcome = exchange(&shared, &mut socket, &mut stop, &mut record).await;
    let drain = close::drain_time(&socket, outcome.0, record.bytes, shared.config.timeout);
    record.finish(outcome);
    if let Some(time) = drain {
        // Boxed: its room is not needed by a connection that is idle.
        Box::pin(close::drain(&mut socket, time, stop)).await;
    }
    drop(socket);
    drop(place);
}

async fn exchange(
    shared: &Arc<Shared>,
    socket: &mut Socket,
    stop: &mut Stop,
    record: &mut Record,
) -> Outcome {
    let mut unfinished = None;
    let request = match read(socket, &mut unfinished) {
        Ok(None) => {
            let left = shared.config.request_deadline.saturating_sub(record.accepted.elapsed());
            match time::timeout(left, receive(socket, stop, &mut unfinished)).await {
                Ok(request) => request,
                Err(_) => {
                    let received = received(unfinished.as_deref());
                    let reason = format!("{received} bytes of a request had come (R6)");
                    return (End::Deadline, Some(reason.into()));
                }
            }
        }
        Ok(Some(name)) => Ok(name),
        Err(none) => Err(none),
    };
    match request {
        Ok(name) => {
            drop(unfinished);
            record.requested(name.clone());
            respond(shared, socket, name, record).await
        }
        Err(NoRequest::Malformed(error)) => {
            let (end, reason) = answer(shared, socket, Status::Malformed, record).await;
            (end, reason.or_else(|| Some(error.to_string().into())))
        }
        Err(NoRequest::Gone) => broken_off(unfinished.as_deref()),
        Err(NoRequest::Stopped) => (End::Stopped, None),
    }
}

async fn respond(
    shared: &Arc<Shared>,
    socket: &mut Socket,
    name: Arc<str>,
    record: &mut Record,
) -> Outcome {
    let Some(_turn) = shared.limits.file(shared.config.timeout).await else {
        return (End::ServerFault, Some("too many files are being sent".into()));
    };
    let found = match shared.root.cached(&name) {
        Some(found) => found,
        None => cold::open(shared, name).await,
    };
    match found {
        Ok(file) => send::file(socket, file, shared.config.timeout, record).await,
        Err(Refusal::NotFound(reason)) => {
            let (end, fault) = answer(shared, socket, Status::NotFound, record).await;
            (end, fault.or_else(|| Some(reason.into())))
        }
        Err(Refusal::Fault(error)) => (End::ServerFault, Some(error.to_string().into())),
    }
}

/// Why there is no request.
enum NoRequest {
    Malformed(DecodeError),
    Gone,
    Stopped,
}

/// Becomes true when the server is to stop.
pub(super) type Stop = watch::Receiver<bool>;

/// The filename asked for. Unfinished requests are kept in `unfinished`, so that a connection that is
/// silent, or whose request comes in one piece, needs no room for one.
async fn receive(
    socket: &mut Socket,
    stop: &mut Stop,
    unfinished: &mut Option<Box<RequestDecoder>>,
) -> Result<Arc<str>, NoRequest> {
    loop {
        tokio::select! {
            // What has come is served, whatever else.
            biased;
            ready = socket.ready(Interest::READABLE) => ready.map_err(|_| NoRequest::Gone)?,
            _ = stop.wait_for(|stop| *stop), if unfinished.is_none() => {
                return Err(NoRequest::Stopped);
            }
        }
        if let Some(name) = read(socket, unfinished)? {
            return Ok(name);
        }
    }
}

/// Reads once. Not async: its two kilobytes live on the thread's stack, not in the task.
fn read(
    socket: &Socket,
    unfinished: &mut Option<Box<RequestDecoder>>,
) -> Result<Option<Arc<str>>, NoRequest> {
    let mut buffer = [0; READ];
    let mut input = match recv(socket, &mut buffer) {
        Ok(0) => return Err(NoRequest::Gone),
        Ok(len) => buffer.get(..len).unwrap_or_default(),
        Err(error) if is_transient(&error) => return Ok(None),
        Err(_) => return Err(NoRequest::Gone),
    };
    let mut fresh = RequestDecoder::new();
    let decoder = unfinished.as_deref_mut().unwrap_or(&mut fresh);
    match decoder.decode(&mut input) {
        Ok(Some(request)) => Ok(Some(request.filename().as_str().into())),
        Ok(None) => {
            if unfinished.is_none() {
                *unfinished = Some(Box::new(fresh));
            }
            Ok(None)
        }
        Err(error) => Err(NoRequest::Malformed(error)),
    }
}

pub(super) fn recv(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    let recv =
        |fd: BorrowedFd<'_>| rustix::net::recv(fd, buffer, RecvFlags::empty()).map(|(len, _)| len);
    socket.try_io(Interest::READABLE, recv)
}

pub(super) fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn received(unfinished: Option<&RequestDecoder>) -> usize {
    unfinished.map_or(0, RequestDecoder::received)
}

/// R6: it ended before there was anything to answer.
fn broken_off(unfinished: Option<&RequestDecoder>) -> Outcome {
    match received(unfinished) {
        0 => (End::Probe, None),
        received => {
            let reason = format!("the request broke off after {received} bytes (R6)");
            (End::PeerGone, Some(reason.into()))
        }
    }
}

/// Sends a response without data.
async fn answer(
    shared: &Shared,
    socket: &mut Socket,
    status: Status,
    record: &mut Record,
) -> Outcome {
    let header = ResponseHeader::without_data(status).encode();
    match send::all(socket, &header, shared.config.timeout).await {
        Ok(()) => {
            record.status = Some(status);
            let end = match status {
                Status::Malformed => End::Malformed,
                _ => End::NotFound,
            };
            (end, None)
        }
        Err(error) => send::failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Config, Root, RootOptions, Server};

    #[tokio::test]
    async fn an_idle_connection_needs_less_than_a_kibibyte() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path(), RootOptions::default()).unwrap();
        let server = Server::new(root, Config::default());
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        let permit = server.0.limits.permit().await.unwrap();
        let place = server.0.limits.place(permit, peer).unwrap();
        let (_stop, stopped) = watch::channel(false);
        let shared = Arc::clone(&server.0);
        let task = serve(shared, place, stream, peer, Instant::now(), stopped);
        assert!(size_of_val(&task) < 1024, "{} bytes", size_of_val(&task));
    }
}
