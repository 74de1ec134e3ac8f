//! One connection: a request in, a response out, and a close that does not destroy the response
//! (R1, R7).

mod accepted;
mod close;
mod exchange;
mod request;
mod response;
mod send;
mod send_window;
mod sendfile;
mod socket;

pub(super) use accepted::AcceptedConnection;
pub(super) use exchange::{FirstRead, first_read};
pub(super) use send_window::prepare_listener;
pub(super) use socket::async_fd_readable;
