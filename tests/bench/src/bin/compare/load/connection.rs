//! Drives one connection of the load without blocking: connects, sends the request, checks the
//! answer.

use std::fs;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::{Errno, read};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, connect, send, socket_with};

use super::protocol::Protocol;
use crate::files::TestFile;
use crate::result::Result;

/// The longest file that is compared byte by byte, in bytes. Comparing longer files would take more
/// time than receiving them.
const COMPARED: u64 = 64 << 10;

/// The number of buffers that one connection reads before the other connections have their turn.
const BUFFERS_PER_TURN: usize = 4;

/// What a client sends for a file, and what the answer must be.
#[derive(Debug)]
pub(crate) struct Wanted {
    protocol: Protocol,
    request: Vec<u8>,
    name: String,
    len: u64,
    content: Option<Vec<u8>>,
}

impl Wanted {
    pub(crate) fn new(protocol: Protocol, file: &TestFile) -> Result<Self> {
        let content = if file.len <= COMPARED { Some(fs::read(&file.path)?) } else { None };
        let request = protocol.request(&file.name)?;
        Ok(Self { protocol, request, name: file.name.clone(), len: file.len, content })
    }

    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    pub(crate) const fn keeps(&self) -> bool {
        self.protocol.keeps()
    }

    /// Returns the length of the header; `None` until the header is whole.
    fn header(&self, bytes: &[u8]) -> Result<Option<usize>> {
        match self.protocol.header(bytes)? {
            None => Ok(None),
            Some((header, len)) if len == self.len => Ok(Some(header)),
            Some((_, len)) => Err(format!("{len} bytes announced, not {}", self.len).into()),
        }
    }

    /// Fails if `bytes` can't follow the first `received` bytes of the body.
    fn check(&self, received: u64, bytes: &[u8]) -> Result<()> {
        let end = received + bytes.len() as u64;
        if end > self.len {
            return Err(format!("more than {} bytes", self.len).into());
        }
        let Some(content) = &self.content else { return Ok(()) };
        let range = usize::try_from(received)?..usize::try_from(end)?;
        if content.get(range) == Some(bytes) { Ok(()) } else { Err("other content".into()) }
    }
}

/// Whether an answer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Partial,
    Whole,
}

#[derive(Debug)]
pub(crate) struct Connection {
    socket: OwnedFd,
    slot: u64,
    started: Instant,
    sent: usize,
    /// The pieces of an incomplete header.
    head: Vec<u8>,
    /// The number of bytes of the body; `None` until the header is whole.
    received: Option<u64>,
    first_byte: Option<Duration>,
}

impl Connection {
    /// Connects, and sends the request at once if the kernel connects at once, as it mostly does on
    /// loopback.
    pub(crate) fn open(
        addr: SocketAddr,
        started: Instant,
        epoll: &OwnedFd,
        slot: usize,
        wanted: &Wanted,
    ) -> Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        match connect(&socket, &addr) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(format!("{addr}: {error}").into()),
        }
        let slot = slot as u64;
        let (head, received, first_byte) = (Vec::new(), None, None);
        let mut connection = Self { socket, slot, started, sent: 0, head, received, first_byte };
        let interest = connection.send(wanted)?;
        epoll::add(epoll, &connection.socket, EventData::new_u64(slot), interest)?;
        Ok(connection)
    }

    /// Sends the request again on the same connection.
    pub(crate) fn again(
        &mut self,
        started: Instant,
        epoll: &OwnedFd,
        wanted: &Wanted,
    ) -> Result<()> {
        (self.started, self.sent, self.received, self.first_byte) = (started, 0, None, None);
        self.head.clear();
        if self.send(wanted)? == EventFlags::OUT {
            self.wait_for(epoll, EventFlags::OUT)?;
        }
        Ok(())
    }

    pub(crate) const fn started(&self) -> Instant {
        self.started
    }

    pub(crate) fn first_byte(&self) -> Duration {
        self.first_byte.unwrap_or_default()
    }

    /// Sends and receives until the kernel would block.
    pub(crate) fn proceed(
        &mut self,
        epoll: &OwnedFd,
        wanted: &Wanted,
        buffer: &mut [u8],
    ) -> Result<Answer> {
        if self.sent < wanted.request.len() {
            if self.send(wanted)? == EventFlags::IN {
                self.wait_for(epoll, EventFlags::IN)?;
            }
            return Ok(Answer::Partial);
        }
        self.receive(wanted, buffer).map_err(|error| format!("{}: {error}", wanted.name).into())
    }

    /// Sends what is left of the request. Returns the event to wait for next.
    fn send(&mut self, wanted: &Wanted) -> Result<EventFlags> {
        let rest = wanted.request.get(self.sent..).unwrap_or_default();
        match send(&self.socket, rest, SendFlags::NOSIGNAL) {
            Ok(sent) => self.sent += sent,
            Err(Errno::AGAIN) => {}
            Err(error) => return Err(format!("{}: not sent: {error}", wanted.name).into()),
        }
        let all = self.sent == wanted.request.len();
        Ok(if all { EventFlags::IN } else { EventFlags::OUT })
    }

    fn wait_for(&self, epoll: &OwnedFd, interest: EventFlags) -> Result<()> {
        Ok(epoll::modify(epoll, self.socket.as_fd(), EventData::new_u64(self.slot), interest)?)
    }

    fn receive(&mut self, wanted: &Wanted, buffer: &mut [u8]) -> Result<Answer> {
        for _ in 0..BUFFERS_PER_TURN {
            let len = match read(&self.socket, &mut *buffer) {
                Ok(0) => return self.ended(wanted),
                Ok(len) => len,
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            };
            if self.first_byte.is_none() {
                self.first_byte = Some(self.started.elapsed());
            }
            self.take(wanted, buffer.get(..len).unwrap_or_default())?;
            let whole = self.received == Some(wanted.len);
            if whole && wanted.keeps() {
                return Ok(Answer::Whole);
            }
            // A short read has emptied the socket; only an end may have come with it.
            if len < buffer.len() && !whole {
                break;
            }
        }
        Ok(Answer::Partial)
    }

    fn take(&mut self, wanted: &Wanted, mut bytes: &[u8]) -> Result<()> {
        let received = match self.received {
            Some(received) => received,
            None if self.head.is_empty() => match wanted.header(bytes)? {
                None => return self.keep(bytes),
                Some(header) => {
                    bytes = bytes.get(header..).unwrap_or_default();
                    0
                }
            },
            None => {
                let before = self.head.len();
                self.keep(bytes)?;
                let Some(header) = wanted.header(&self.head)? else { return Ok(()) };
                bytes = bytes.get(header.saturating_sub(before)..).unwrap_or_default();
                0
            }
        };
        wanted.check(received, bytes)?;
        self.received = Some(received + bytes.len() as u64);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<()> {
        self.head.extend_from_slice(bytes);
        Ok(())
    }

    fn ended(&self, wanted: &Wanted) -> Result<Answer> {
        match self.received {
            Some(received) if received == wanted.len => Ok(Answer::Whole),
            Some(received) => Err(format!("ended after {received} of {} bytes", wanted.len).into()),
            None => Err("ended before the header".into()),
        }
    }
}
