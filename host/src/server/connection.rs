//! One connection: a request in, a response out, and a close that does not destroy it (R1, R7).

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use fetchlet_codec::{DecodeError, RequestDecoder, ResponseHeader, Status};
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::watch;
use tokio::time;

use super::lobby::Guest;
use super::outcome::{End, Outcome, Record};
use super::root::Refusal;
use super::socket::Socket;
use super::{Running, Shared, close, cold, send};

/// The longest request and some surplus, all in one read (R2).
pub(super) const READ: usize = 2048;

/// What it takes to serve `guest`; none if it has sent nothing yet, and waits in the lobby.
pub(super) fn begin(
    running: &Arc<Running>,
    guest: Guest,
) -> Option<impl Future<Output = ()> + Send + 'static> {
    let mut buffer = [0; READ];
    let received = rustix::net::recv(&guest.stream, &mut buffer, RecvFlags::empty());
    let mut unfinished = None;
    let request = decode(&buffer, received.map(|(len, _)| len), &mut unfinished);
    if let (Ok(None), None) = (&request, &unfinished) {
        // It is closed when the server stops.
        if let Err(SendError(guest)) = running.lobby.send(guest) {
            guest.leave((End::Stopped, None));
        }
        return None;
    }
    Some(serve(Arc::clone(running), guest, request, unfinished))
}

/// Serves a connection that has sent something, from here to its close.
async fn serve(
    running: Arc<Running>,
    guest: Guest,
    request: Result<Option<Arc<str>>, NoRequest>,
    unfinished: Unfinished,
) {
    let Guest { stream, place, peer, accepted } = guest;
    let mut socket = Socket::Unwatched(stream);
    let mut record = Record::new(peer, accepted);
    let shared = &running.shared;
    let outcome = exchange(shared, &mut socket, request, unfinished, &mut record).await;
    let drain = close::drain_time(&socket, outcome.0, record.bytes, shared.config.timeout);
    record.finish(outcome);
    if let Some(time) = drain {
        close::drain(&mut socket, time, running.stop.clone()).await;
    }
    // The place must outlive the socket.
    drop(socket);
    drop(place);
}

async fn exchange(
    shared: &Arc<Shared>,
    socket: &mut Socket,
    mut request: Result<Option<Arc<str>>, NoRequest>,
    mut unfinished: Unfinished,
    record: &mut Record,
) -> Outcome {
    if let Ok(None) = request {
        let left = shared.config.request_deadline.saturating_sub(record.accepted.elapsed());
        request = match time::timeout(left, receive(socket, &mut unfinished)).await {
            Ok(request) => request.map(Some),
            Err(_) => {
                let received = received(unfinished.as_deref());
                let reason = format!("{received} bytes of a request had come (R6)");
                return (End::Deadline, Some(reason.into()));
            }
        };
    }
    match request {
        Ok(Some(name)) => {
            drop(unfinished);
            record.requested(name.clone());
            respond(shared, socket, name, record).await
        }
        Err(NoRequest::Malformed(error)) => {
            let (end, reason) = answer(shared, socket, Status::Malformed, record).await;
            (end, reason.or_else(|| Some(error.to_string().into())))
        }
        Err(NoRequest::Fault(error)) => (End::ServerFault, Some(error.to_string().into())),
        Ok(None) | Err(NoRequest::Gone) => broken_off(unfinished.as_deref()),
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
    Fault(io::Error),
}

/// What has come of a request that is not whole. One that comes in one piece needs no room for it.
type Unfinished = Option<Box<RequestDecoder>>;

/// Becomes true when the server is to stop.
pub(super) type Stop = watch::Receiver<bool>;

/// The filename asked for.
async fn receive(socket: &mut Socket, unfinished: &mut Unfinished) -> Result<Arc<str>, NoRequest> {
    loop {
        socket.ready(Interest::READABLE).await.map_err(NoRequest::Fault)?;
        if let Some(name) = read(socket, unfinished)? {
            return Ok(name);
        }
    }
}

/// Reads once. Not async: its two kilobytes live on the thread's stack, not in the task.
fn read(socket: &Socket, unfinished: &mut Unfinished) -> Result<Option<Arc<str>>, NoRequest> {
    let mut buffer = [0; READ];
    let received = recv(socket, &mut buffer);
    decode(&buffer, received, unfinished)
}

/// The filename asked for, if what was received makes a request whole.
fn decode<E: Into<io::Error>>(
    buffer: &[u8],
    received: Result<usize, E>,
    unfinished: &mut Unfinished,
) -> Result<Option<Arc<str>>, NoRequest> {
    let mut input = match received.map_err(Into::into) {
        Ok(0) => return Err(NoRequest::Gone),
        Ok(len) => buffer.get(..len).unwrap_or_default(),
        Err(error) if is_transient(&error) => return Ok(None),
        Err(_) => return Err(NoRequest::Gone),
    };
    let mut fresh = RequestDecoder::new();
    let decoder = unfinished.as_deref_mut().unwrap_or(&mut fresh);
    match decoder.decode(&mut input) {
        // At once: a request has room for the longest name.
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
    match send::all(socket, &header, shared.config.timeout, SendFlags::empty()).await {
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
