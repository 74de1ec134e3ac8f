//! One relayed connection: copies between a smoltcp TCP socket and a real one, in both directions.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use smoltcp::socket::tcp::{RecvError, Socket, State};

/// The progress of a relayed connection in one step.
#[derive(Debug)]
pub(crate) enum Step {
    /// No device has connected yet, or the connection goes on.
    Unchanged,
    /// A connection was accepted.
    Accepted,
    /// Both sides have ended the connection.
    Finished,
    /// One side has reset the connection and the relay has reset the other; with the error if that
    /// side was the server's.
    Broken(Option<io::Error>),
}

/// The server's side of a connection, while there is one. The relay has no buffers beside those of
/// the two sockets.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    stream: Option<TcpStream>,
    connected: bool,
    /// The server has ended its direction.
    server_ended: bool,
    /// The device has ended its direction.
    device_ended: bool,
    /// The error of a write to the server. Bytes that the server sent before may still be readable.
    write_error: Option<io::Error>,
}

impl Relay {
    pub(crate) const fn is_active(&self) -> bool {
        self.stream.is_some()
    }

    /// Copies as much as both sockets allow. The caller polls the smoltcp interface afterwards, so
    /// that its socket can send.
    pub(crate) fn step(&mut self, socket: &mut Socket<'_>, server: SocketAddr) -> Step {
        match (&self.stream, socket.state()) {
            (None, State::Listen | State::SynReceived | State::TimeWait | State::Closed) => {
                Step::Unchanged
            }
            (None, _) => match open(server) {
                Ok(stream) => {
                    *self = Self { stream: Some(stream), ..Self::default() };
                    Step::Accepted
                }
                Err(error) => self.give_up(socket, Some(error)),
            },
            (Some(_), _) => match self.copy(socket) {
                Err(error) => self.give_up(socket, Some(error)),
                Ok(()) => self.ended(socket),
            },
        }
    }

    fn ended(&mut self, socket: &mut Socket<'_>) -> Step {
        match socket.state() {
            State::TimeWait | State::Closed if self.server_ended && self.device_ended => {
                self.stream = None;
                Step::Finished
            }
            State::Closed => self.give_up(socket, None),
            _ => Step::Unchanged,
        }
    }

    /// Resets both sides.
    fn give_up(&mut self, socket: &mut Socket<'_>, error: Option<io::Error>) -> Step {
        socket.abort();
        if let Some(stream) = self.stream.take() {
            // Lingering for zero seconds makes the close a reset; else the server would see an end.
            sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).ok();
        }
        Step::Broken(error)
    }

    fn copy(&mut self, socket: &mut Socket<'_>) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        if !self.connected {
            stream.take_error()?.map_or(Ok(()), Err)?;
            self.connected = stream.peer_addr().is_ok();
            if !self.connected {
                return Ok(());
            }
        }
        self.pass_to_server(socket);
        self.pass_to_device(socket)
    }

    fn pass_to_server(&mut self, socket: &mut Socket<'_>) {
        let Some(stream) = &mut self.stream else { return };
        // The data in a ring buffer may be in two slices, and one call gives the first.
        while socket.can_recv() {
            let written = socket.recv(|data| match stream.write(data) {
                Ok(count) => (count, Ok(())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => (0, Err(error)),
                Err(error) if error.kind() == ErrorKind::Interrupted => (0, Ok(())),
                Err(error) => {
                    self.write_error.get_or_insert(error);
                    (data.len(), Ok(()))
                }
            });
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
        if !self.device_ended && matches!(socket.recv(|_| (0, ())), Err(RecvError::Finished)) {
            self.device_ended = true;
            stream.shutdown(Shutdown::Write).ok();
        }
    }

    fn pass_to_device(&mut self, socket: &mut Socket<'_>) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while !self.server_ended && socket.can_send() {
            let read = socket.send(|room| match stream.read(room) {
                Ok(count) => (count, Ok(count)),
                Err(error) => (0, Err(error)),
            });
            match read {
                // The system reports a reset once, and a failed write has taken that report.
                Ok(Ok(0)) if self.write_error.is_some() => {
                    return self.write_error.take().map_or(Ok(()), Err);
                }
                Ok(Ok(0)) => {
                    self.server_ended = true;
                    socket.close();
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(Err(error)) => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// The events of the server's socket that the relay waits for, if any.
    pub(crate) fn interest(&self, socket: &Socket<'_>) -> Option<PollFd<'_>> {
        let stream = self.stream.as_ref()?;
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::OUT, !self.connected || socket.can_recv());
        flags.set(PollFlags::IN, self.connected && !self.server_ended && socket.can_send());
        // poll(2) reports a hangup even for a descriptor without events to wait for.
        (!flags.is_empty()).then(|| PollFd::new(stream, flags))
    }
}

/// Starts to connect without waiting, which the standard library can't.
fn open(server: SocketAddr) -> io::Result<TcpStream> {
    let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &server) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}
