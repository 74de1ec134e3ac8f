//! A server for one connection that follows a script: it reads a request, answers with the bytes
//! that the test gives it, and closes the way the test says.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use crate::listener::listener;

/// Longest wait for a byte of the client: longer than every timeout of the clients under test.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a scripted peer closes its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "TCP closes with a FIN or a reset")]
pub enum Close {
    /// With a FIN: all bytes that were sent arrive.
    Fin,
    /// With a reset, as when a process is killed with unread input, or a device loses its state.
    Reset,
}

/// A server for one connection, in a thread of its own.
#[derive(Debug)]
pub struct ScriptedPeer {
    addr: SocketAddr,
    thread: JoinHandle<io::Result<Vec<u8>>>,
}

impl ScriptedPeer {
    /// Waits for a request (R2), sends `pieces`, one write each, and closes.
    ///
    /// The iterator is asked for a piece after the piece before was written, so its side effects
    /// happen in the middle of the answer.
    ///
    /// # Panics
    ///
    /// If the system gives no port.
    pub fn start(pieces: impl IntoIterator<Item = Vec<u8>> + Send + 'static, close: Close) -> Self {
        Self::run(move |mut connection| {
            connection.set_nodelay(true)?;
            for piece in pieces {
                // A client that gives up closes while this thread still sends.
                if connection.write_all(&piece).is_err() {
                    break;
                }
            }
            match close {
                Close::Fin => {
                    connection.shutdown(Shutdown::Write).ok();
                    wait_for_close(connection);
                }
                Close::Reset => SockRef::from(&connection).set_linger(Some(Duration::ZERO))?,
            }
            Ok(())
        })
    }

    /// Answers with `bytes` and closes with a FIN.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn answering(bytes: &[u8]) -> Self {
        Self::start([bytes.to_vec()], Close::Fin)
    }

    /// Sends `bytes`, and then nothing until the client closes.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn silent_after(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self::run(move |mut connection| {
            connection.write_all(&bytes)?;
            wait_for_close(connection);
            Ok(())
        })
    }

    /// Waits for a request (R2) and passes the connection to `answer`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn run(answer: impl FnOnce(TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        let listener = listener();
        let addr = listener.local_addr().expect("a bound listener has an address");
        let thread = thread::spawn(move || {
            let (mut connection, _) = listener.accept()?;
            connection.set_read_timeout(Some(PATIENCE))?;
            connection.set_write_timeout(Some(PATIENCE))?;
            let request = read_request(&mut connection)?;
            answer(connection)?;
            Ok(request)
        });
        Self { addr, thread }
    }

    /// Returns the address of the listener.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the port of [`addr`](Self::addr), as the argument of a program.
    pub fn port(&self) -> String {
        self.addr.port().to_string()
    }

    /// Waits for the end of the connection and returns the request that was read.
    ///
    /// # Panics
    ///
    /// If no whole request came.
    pub fn request(self) -> Vec<u8> {
        let ended = self.thread.join().expect("the script does not panic");
        ended.expect("a whole request")
    }
}

fn read_request(connection: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = vec![0; 5];
    connection.read_exact(&mut request)?;
    let name_len = usize::from(u16::from_be_bytes([request[3], request[4]]));
    request.resize(5 + name_len, 0);
    connection.read_exact(&mut request[5..])?;
    Ok(request)
}

/// Reads until the client closes or resets the connection.
fn wait_for_close(mut connection: TcpStream) {
    io::copy(&mut connection, &mut io::sink()).ok();
}
