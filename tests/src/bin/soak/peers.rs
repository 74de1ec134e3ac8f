//! Peers at loopback addresses of their own, and the folder they ask for.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{random_bytes, request, response};
use rustix::net::{RecvFlags, recv};
use socket2::{Domain, Socket, Type};

/// Longer than any answer may take, shorter than anyone waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with files whose bytes are known.
#[derive(Debug)]
pub(crate) struct ServedFolder {
    folder: fetchlet_test_kit::Folder,
    pub(crate) small: Vec<u8>,
    pub(crate) medium: Vec<u8>,
    pub(crate) large: Vec<u8>,
}

impl ServedFolder {
    pub(crate) fn new() -> io::Result<Self> {
        let [small, medium, large] = [1 << 10, 100_000, 16 << 20].map(|len| random_bytes(1, len));
        let folder = fetchlet_test_kit::Folder::new()?;
        for (name, bytes) in [("small", &small), ("medium", &medium), ("large", &large)] {
            std::fs::write(folder.path().join(name), bytes)?;
        }
        Ok(Self { folder, small, medium, large })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The addresses 127.0.`net`.1 to 127.0.`net`.`count`, over and over.
pub(crate) fn sources(net: u8, count: u8) -> impl Iterator<Item = Ipv4Addr> {
    (1..=count).map(move |host| Ipv4Addr::new(127, 0, net, host)).cycle()
}

pub(crate) fn connect(source: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    connect_with(source, server, None)
}

/// From this address, with a receive buffer of so many bytes.
pub(crate) fn connect_with(
    source: Ipv4Addr,
    server: SocketAddr,
    buffer: Option<usize>,
) -> io::Result<TcpStream> {
    let mut tries = 100;
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // Ports whose last connection is only just over will do.
        socket.set_reuse_address(true)?;
        buffer.map_or(Ok(()), |size| socket.set_recv_buffer_size(size))?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        match socket.connect(&server.into()) {
            // The system has chosen a port whose last connection is too young still, for this side
            // or, seen once in 100,000, for the other. Where nobody listens, all the tries fail.
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

/// Connects, asks, and reads to the end: what came, and how long all of it took.
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

/// The slowest of so many exchanges for the file `small`, in milliseconds; an error if one is
/// wrong.
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

/// Whether the other side has ended the connection, without taking what may have come.
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
