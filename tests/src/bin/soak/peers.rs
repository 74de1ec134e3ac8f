//! Peers at loopback addresses of their own, and the folder that they download from.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{random_bytes, request, response};
use rustix::net::{RecvFlags, recv};
use socket2::{Domain, Socket, Type};

/// Longest wait for an answer: longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with files whose content is known.
#[derive(Debug)]
pub(crate) struct ServedFolder {
    folder: fetchlet_test_kit::TempFolder,
    pub(crate) small: Vec<u8>,
    pub(crate) medium: Vec<u8>,
    pub(crate) large: Vec<u8>,
}

impl ServedFolder {
    pub(crate) fn new() -> io::Result<Self> {
        let [small, medium, large] = [1 << 10, 100_000, 16 << 20].map(|len| random_bytes(1, len));
        let folder = fetchlet_test_kit::TempFolder::new()?;
        for (name, bytes) in [("small", &small), ("medium", &medium), ("large", &large)] {
            std::fs::write(folder.path().join(name), bytes)?;
        }
        Ok(Self { folder, small, medium, large })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Returns the addresses 127.0.`net`.1 to 127.0.`net`.`count`, again and again.
pub(crate) fn sources(net: u8, count: u8) -> impl Iterator<Item = Ipv4Addr> {
    (1..=count).map(move |host| Ipv4Addr::new(127, 0, net, host)).cycle()
}

pub(crate) fn connect(source: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    connect_with(source, server, None)
}

/// Connects from this address, with a receive buffer of this many bytes.
pub(crate) fn connect_with(
    source: Ipv4Addr,
    server: SocketAddr,
    buffer: Option<usize>,
) -> io::Result<TcpStream> {
    let mut tries = 100;
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // The port of a connection that has just ended may be used again.
        socket.set_reuse_address(true)?;
        buffer.map_or(Ok(()), |size| socket.set_recv_buffer_size(size))?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        match socket.connect(&server.into()) {
            // The kernel chose a port whose last connection has ended too recently, for this side
            // or, once in 100,000, for the other. If nobody listens, all tries fail.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::AddrNotAvailable | ErrorKind::ConnectionRefused
                ) && tries > 0 =>
            {
                tries -= 1;
            }
            connected => return connected.map(|()| socket.into()),
        }
    }
}

/// Requests a file and reads to the end. Returns the response and the time from the connect to the
/// end.
pub(crate) fn fetch(
    source: Ipv4Addr,
    server: SocketAddr,
    name: &str,
) -> io::Result<(Vec<u8>, Duration)> {
    let start = Instant::now();
    let mut stream = connect(source, server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request(name.as_bytes()))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok((answer, start.elapsed()))
}

/// Makes `count` exchanges for the file `small` and returns the longest time in milliseconds. A
/// wrong answer is an error.
pub(crate) fn slowest(
    folder: &ServedFolder,
    source: Ipv4Addr,
    server: SocketAddr,
    count: u32,
) -> io::Result<f64> {
    let expected = response(&folder.small);
    let mut slowest = Duration::ZERO;
    for _ in 0..count {
        let (answer, took) = fetch(source, server, "small")?;
        if answer != expected {
            return Err(io::Error::other("a wrong answer"));
        }
        slowest = slowest.max(took);
    }
    Ok(slowest.as_secs_f64() * 1000.0)
}

/// Returns whether the other side has ended the connection. Received bytes stay in the socket.
pub(crate) fn has_ended(stream: &TcpStream) -> bool {
    let mut byte = [0];
    match recv(stream, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, len)) => len == 0,
        Err(error) => io::Error::from(error).kind() != ErrorKind::WouldBlock,
    }
}

pub(crate) fn still_open(streams: &[TcpStream]) -> u64 {
    streams.iter().filter(|stream| !has_ended(stream)).count() as u64
}
