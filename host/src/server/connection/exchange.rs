//! One exchange: a request, its response, the line in the access log, and the close (R1).

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use super::accepted::AcceptedConnection;
use super::close;
use super::request::RequestState;
use super::response;
use super::socket::{Socket, recv};
use crate::server::access_log::{AccessLogEntry, EndReason, ExchangeEnd};
use crate::server::context::ServerContext;

/// What the first read of a connection has found.
pub(in crate::server) enum FirstRead {
    /// Nothing: the connection is idle.
    Idle(AcceptedConnection),
    /// Something: this future serves the connection up to its close.
    Exchange(BoxedExchange),
}

/// An exchange. Boxed: on the way to a task, and in it, the runtime would else copy all of the
/// future a dozen times.
pub(in crate::server) type BoxedExchange = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Reads once from a connection that has sent nothing so far.
pub(in crate::server) fn first_read(
    context: &Arc<ServerContext>,
    connection: AcceptedConnection,
) -> FirstRead {
    let mut request = RequestState::Empty;
    request.read(|buffer| recv(&connection.stream, buffer).map_err(io::Error::from));
    match request {
        RequestState::Empty => FirstRead::Idle(connection),
        request => FirstRead::Exchange(Box::pin(serve(Arc::clone(context), connection, request))),
    }
}

/// Serves a connection that has sent something, from there to its close.
async fn serve(context: Arc<ServerContext>, connection: AcceptedConnection, request: RequestState) {
    let AcceptedConnection { stream, slot, peer, accepted_at } = connection;
    let mut socket = Socket::Unregistered(stream);
    let mut entry = AccessLogEntry::new(peer, accepted_at);
    let ended = exchange(&context, &mut socket, request, &mut entry).await;
    let drain = close::drain_timeout(&socket, ended.end, entry.bytes, context.config.timeout);
    entry.finish(ended);
    if let Some(timeout) = drain {
        close::drain(&mut socket, timeout, context.shutdown.clone()).await;
    }
    // The slot must outlive the socket.
    drop(socket);
    drop(slot);
}

/// Reads the rest of a request, and sends the response.
async fn exchange(
    context: &ServerContext,
    socket: &mut Socket,
    mut request: RequestState,
    entry: &mut AccessLogEntry,
) -> ExchangeEnd {
    if !request.is_final() {
        let deadline = context.config.request_deadline;
        let left = deadline.saturating_sub(entry.accepted_at.elapsed());
        request.read_to_end(socket, left).await;
    }
    let timeout = context.config.timeout;
    match request {
        RequestState::Complete(name) => {
            entry.requested(Arc::clone(&name));
            response::answer_request(context, socket, name, entry).await
        }
        RequestState::Malformed(error) => {
            response::answer_malformed(socket, error, timeout, entry).await
        }
        RequestState::Empty | RequestState::Partial(_) => {
            let reason = format!("{} bytes of a request had come (R6)", request.received());
            ExchangeEnd::because(EndReason::Deadline, reason)
        }
        RequestState::Closed { received: 0 } => EndReason::Probe.into(),
        RequestState::Closed { received } => {
            let reason = format!("the request broke off after {received} bytes (R6)");
            ExchangeEnd::because(EndReason::PeerGone, reason)
        }
        RequestState::Failed(error) => ExchangeEnd::fault(&error),
    }
}
