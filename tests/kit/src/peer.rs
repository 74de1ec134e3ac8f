//! The other side of a connection, byte by byte: a client that writes what it is told and shows what
//! came, and a server that follows a script.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

/// How long a raw peer waits for a byte: longer than the server's own time-outs.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any answer that is compared here, and less than fills a machine's memory.
const ENOUGH: u64 = 1 << 20;

/// A request for `name`, which need not be a legal one: only its length must fit in 16 bits.
///
/// # Panics
///
/// If it does not.
pub fn request(name: &[u8]) -> Vec<u8> {
    let len = u16::try_from(name.len()).expect("a length of 16 bits");
    let mut bytes = b"\x49\x7E\x01".to_vec();
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(name);
    bytes
}

/// Connects, writes `bytes`, and returns what comes until the server closes, up to a mebibyte.
///
/// The sending side stays open, so nothing but the bytes tells the server that the request is whole.
///
/// # Errors
///
/// The connection's own; among them a reset, and `WouldBlock` if nothing comes for half a minute.
pub fn exchange(addr: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(addr)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    connection.write_all(bytes)?;
    let mut answer = Vec::new();
    connection.take(ENOUGH).read_to_end(&mut answer)?;
    Ok(answer)
}

/// How a scripted peer ends its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing more comes, and all that was sent arrives.
    Fin,
    /// As when a process is killed with unread input, or a device loses its state.
    Reset,
}

/// A server for one connection: reads one request, answers with the bytes it was given, ends.
#[derive(Debug)]
pub struct ScriptedPeer {
    addr: SocketAddr,
    thread: JoinHandle<io::Result<Vec<u8>>>,
}

impl ScriptedPeer {
    /// Waits for a request with a filename of `name_len` bytes, then sends `pieces`, one write each.
    ///
    /// Each piece is asked for once the one before it was written: what an iterator does meanwhile
    /// happens in the middle of the answer.
    ///
    /// # Panics
    ///
    /// If the system gives no port.
    pub fn start(
        name_len: usize,
        pieces: impl IntoIterator<Item = Vec<u8>> + Send + 'static,
        ending: Ending,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let thread = thread::spawn(move || {
            let (mut connection, _) = listener.accept()?;
            connection.set_read_timeout(Some(PATIENCE))?;
            connection.set_write_timeout(Some(PATIENCE))?;
            connection.set_nodelay(true)?;
            let mut request = vec![0; 5 + name_len];
            connection.read_exact(&mut request)?;
            for piece in pieces {
                // A client that gives up early, as it may, closes while this still sends.
                if connection.write_all(&piece).is_err() {
                    break;
                }
            }
            match ending {
                Ending::Fin => {
                    connection.shutdown(Shutdown::Write).ok();
                    io::copy(&mut connection, &mut io::sink()).ok();
                }
                Ending::Reset => SockRef::from(&connection).set_linger(Some(Duration::ZERO))?,
            }
            Ok(request)
        });
        Self { addr, thread }
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the end and returns the request that came.
    ///
    /// # Panics
    ///
    /// If no whole request came.
    pub fn request(self) -> Vec<u8> {
        let ended = self.thread.join().expect("the script does not panic");
        ended.expect("a whole request")
    }
}
