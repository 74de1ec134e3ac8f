//! One connection: a request in, a response out, and a close that does not destroy the response
//! (R1, R7).

mod accepted;
mod body;
mod close;
mod copy;
mod exchange;
mod request;
mod response;
mod send;
mod send_error;
mod send_window;
mod sendfile;
mod socket;
mod transport;

pub(super) use accepted::AcceptedConnection;
pub(super) use exchange::{BoxedExchange, FirstRead, first_read};
pub(super) use send_window::prepare_listener;
pub(super) use socket::async_fd_readable;
