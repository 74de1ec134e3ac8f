//! One connection handed on: a TCP socket of smoltcp's and a real one, copied both ways.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use smoltcp::socket::tcp::{RecvError, Socket, State};

/// How a relayed connection went on.
#[derive(Debug)]
pub(super) enum Step {
    /// Nobody has come yet, or it goes on.
    Going,
    /// A connection was accepted.
    Accepted,
    /// Both sides have ended it.
    Finished,
    /// One side has broken it off, and the other was told; the error if it was the real one.
    Broken(Option<io::Error>),
}

/// The real side of a connection, while there is one. Its buffers are the sockets' own.
#[derive(Debug, Default)]
pub(super) struct Relay {
    stream: Option<TcpStream>,
    connected: bool,
    /// The server has ended its side.
    server_ended: bool,
    /// The device has ended its side.
    device_ended: bool,
    /// Why the server takes nothing any more. What it said before may still be there to read.
    deaf: Option<io::Error>,
}

impl Relay {
    pub(super) const fn is_active(&self) -> bool {
        self.stream.is_some()
    }

    /// Moves what can be moved. The smoltcp socket must be given the chance to send afterwards.
    pub(super) fn step(&mut self, socket: &mut Socket<'_>, server: SocketAddr) -> Step {
        match (&self.stream, socket.state()) {
            (None, State::Listen | State::SynReceived | State::TimeWait | State::Closed) => {
                Step::Going
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
            _ => Step::Going,
        }
    }

    /// A reset for both sides.
    fn give_up(&mut self, socket: &mut Socket<'_>, error: Option<io::Error>) -> Step {
        socket.abort();
        if let Some(stream) = self.stream.take() {
            // Without it the server hears of an ordinary end.
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
        // A ring is two slices at times, so one call may leave some.
        while socket.can_recv() {
            let written = socket.recv(|data| match stream.write(data) {
                Ok(count) => (count, Ok(())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => (0, Err(error)),
                Err(error) if error.kind() == ErrorKind::Interrupted => (0, Ok(())),
                Err(error) => {
                    self.deaf.get_or_insert(error);
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
                // The error of a reset is told once only, and was if a write has failed.
                Ok(Ok(0)) if self.deaf.is_some() => return self.deaf.take().map_or(Ok(()), Err),
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

    /// What to wait for on the real side, if anything.
    pub(super) fn interest(&self, socket: &Socket<'_>) -> Option<PollFd<'_>> {
        let stream = self.stream.as_ref()?;
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::OUT, !self.connected || socket.can_recv());
        flags.set(PollFlags::IN, self.connected && !self.server_ended && socket.can_send());
        // A descriptor that is not asked anything still reports that its peer has gone.
        (!flags.is_empty()).then(|| PollFd::new(stream, flags))
    }
}

/// Begins to connect; the standard library can only wait for it.
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
