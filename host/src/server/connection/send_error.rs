//! Why a response was not sent whole: by a fault of the file, or of the connection.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::net::getpeername;

/// A failure with the side it is on. Both sides may fail with the same error number: a disk that
/// gives up returns `ETIMEDOUT`, as a connection does.
#[derive(Debug)]
pub(super) enum SendError {
    /// The file could not be read.
    File(io::Error),
    /// The connection broke, or the peer took nothing for the timeout (R15).
    Connection(io::Error),
}

/// Returns whether a call that moves bytes from a file to `socket` failed with `errno` because of
/// the file. An error of a TCP connection closes it, so one that is connected has none.
pub(super) fn is_of_file(errno: Errno, socket: BorrowedFd<'_>) -> bool {
    // The socket is full, or a signal came.
    let passes = matches!(errno, Errno::AGAIN | Errno::INTR);
    !passes && getpeername(socket).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use socket2::SockRef;

    use super::*;

    #[test]
    fn the_connection_is_at_fault_once_it_is_closed_and_not_before() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let server = listener.accept().unwrap().0;
        for errno in [Errno::TIMEDOUT, Errno::CONNRESET, Errno::IO] {
            assert!(is_of_file(errno, server.as_fd()), "{errno}");
        }
        assert!(!is_of_file(Errno::AGAIN, server.as_fd()));
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
        let mut reset = [PollFd::new(&server, PollFlags::empty())];
        assert_eq!(poll(&mut reset, Some(&limit)).unwrap(), 1, "no reset came");
        for errno in [Errno::TIMEDOUT, Errno::CONNRESET, Errno::PIPE] {
            assert!(!is_of_file(errno, server.as_fd()), "{errno}");
        }
    }
}
