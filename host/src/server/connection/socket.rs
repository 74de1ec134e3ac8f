//! A socket that the runtime learns of only once a task has to wait for it.
//!
//! Most exchanges never wait: the request has arrived by the time the connection is accepted, and
//! the socket takes the whole response. Each of those saves two `epoll_ctl` and a wake-up, so that
//! a small file takes 9 system calls.

use std::future::poll_fn;
use std::io;
use std::mem::{self, MaybeUninit};
use std::net;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;

/// The size of a read, in bytes. A request has at most 1029 (R2); the rest shows whether a peer has
/// sent more than its request.
const READ_LEN: usize = 2048;

/// Room for one read. Not zeroed: most reads fill little of it, or nothing.
pub(super) type ReadBuffer = [MaybeUninit<u8>; READ_LEN];

/// A buffer with nothing in it.
pub(super) const EMPTY_BUFFER: ReadBuffer = [const { MaybeUninit::uninit() }; READ_LEN];

/// A connected socket that does not block.
#[derive(Debug)]
pub(super) enum Socket {
    /// The runtime does not know the socket.
    Unregistered(net::TcpStream),
    /// The runtime tells when the socket is ready.
    Registered(TcpStream),
    /// The runtime could not register the socket, which closed it.
    Closed,
}

impl Socket {
    /// Does `io` now, or returns [`WouldBlock`](io::ErrorKind::WouldBlock). Makes no system call
    /// for a registered socket of which the runtime knows that it is not ready.
    pub(super) fn try_io<T>(
        &self,
        interest: Interest,
        io: impl FnOnce(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> io::Result<T> {
        match self {
            Self::Registered(stream) => stream.try_io(interest, || Ok(io(stream.as_fd())?)),
            _ => self.try_now(io),
        }
    }

    /// Does `io` now, whatever the runtime knows of the socket.
    pub(super) fn try_now<T>(
        &self,
        io: impl FnOnce(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> io::Result<T> {
        Ok(match self {
            Self::Unregistered(stream) => io(stream.as_fd()),
            Self::Registered(stream) => io(stream.as_fd()),
            Self::Closed => Err(Errno::NOTCONN),
        }?)
    }

    /// Waits until the socket is ready for `interest`, which is reading or writing.
    ///
    /// # Errors
    ///
    /// If the system has no means to register the socket.
    pub(super) async fn ready(&mut self, interest: Interest) -> io::Result<()> {
        if matches!(self, Self::Unregistered(_))
            && let Self::Unregistered(stream) = mem::replace(self, Self::Closed)
        {
            *self = Self::Registered(TcpStream::from_std(stream)?);
        }
        let Self::Registered(stream) = self else {
            return Err(Errno::NOTCONN.into());
        };
        // Not `TcpStream::ready`, whose waiter takes 100 bytes of each exchange that waits.
        poll_fn(|context| match interest {
            Interest::WRITABLE => stream.poll_write_ready(context),
            _ => stream.poll_read_ready(context),
        })
        .await
    }

    /// Does `io` as soon as the socket is ready for it.
    pub(super) async fn io<T>(
        &mut self,
        interest: Interest,
        mut io: impl FnMut(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> io::Result<T> {
        loop {
            match self.try_io(interest, &mut io) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.ready(interest).await?;
                }
                result => return result,
            }
        }
    }

    /// Reads what has arrived.
    pub(super) fn recv<'a>(&self, buffer: &'a mut ReadBuffer) -> io::Result<&'a [u8]> {
        self.try_io(Interest::READABLE, |fd| recv(fd, buffer))
    }
}

/// Reads what has arrived at a socket that does not block.
pub(super) fn recv(socket: impl AsFd, buffer: &mut ReadBuffer) -> Result<&[u8], Errno> {
    let ((received, _), _) = rustix::net::recv(socket, &mut buffer[..], RecvFlags::empty())?;
    Ok(received)
}

/// Whether an operation that failed with `error` is to be tried again.
pub(super) fn is_would_block_or_interrupted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Registers `source` with the runtime, for reading only.
pub(in crate::server) fn async_fd_readable<T: AsRawFd>(source: T) -> io::Result<AsyncFd<T>> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that may swap their descriptor: none of ours does"
    )]
    AsyncFd::with_interest(source, Interest::READABLE)
}
