//! The server: takes any number of connections, and passes each request to the test's script.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use super::lies::Lie;
use super::messages::{FileVersion, RawAnswer, RawFetch};
use crate::listener::listener;
use crate::wire::{MALFORMED, response};

/// Longest wait for a byte of the client: longer than every timeout of the clients under test.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a peer does to the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection goes on, ends, is reset or is silent")]
pub enum After {
    /// Reads the next request (R32).
    Open,
    /// Closes with a FIN; all bytes that were sent arrive.
    Fin,
    /// Closes with a reset, which may destroy bytes on their way.
    Reset,
    /// Sends nothing more until the client closes.
    Silent,
}

/// An answer and what comes after it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "bytes, and what comes after them")]
pub struct Reply {
    /// The bytes to send, in one write.
    pub bytes: Vec<u8>,
    /// What happens then.
    pub after: After,
}

impl Reply {
    /// Sends these bytes and keeps the connection open (R32).
    pub const fn open(bytes: Vec<u8>) -> Self {
        Self { bytes, after: After::Open }
    }

    /// Sends these bytes and closes.
    pub const fn fin(bytes: Vec<u8>) -> Self {
        Self { bytes, after: After::Fin }
    }

    /// Sends these bytes but the last `missing`, and closes.
    pub fn cut(mut bytes: Vec<u8>, missing: usize) -> Self {
        bytes.truncate(bytes.len().saturating_sub(missing));
        Self::fin(bytes)
    }
}

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that is known of a request")]
pub struct ReceivedRequest {
    /// How many connections came before this one.
    pub connection: usize,
    /// How many requests came before this one, on all connections.
    pub number: usize,
    /// The bytes of the request.
    pub bytes: Vec<u8>,
    /// The fields of a request of type 3; `None` for one of type 1.
    pub fetch: Option<RawFetch>,
}

type Script = Box<dyn FnMut(&ReceivedRequest) -> Reply + Send>;

struct PeerState {
    script: Mutex<Script>,
    asked: Mutex<Vec<ReceivedRequest>>,
    has_stopped: AtomicBool,
}

/// A FETCH server with a script, in threads of its own, closed when dropped.
pub struct FetchPeer {
    addr: SocketAddr,
    shared: Arc<PeerState>,
    thread: Option<JoinHandle<()>>,
}

impl FetchPeer {
    /// Asks `script` for the answer to each request, in the order in which they arrive. It is never
    /// called twice at the same time.
    ///
    /// # Panics
    ///
    /// If the system gives no port.
    pub fn start(script: impl FnMut(&ReceivedRequest) -> Reply + Send + 'static) -> Self {
        let listener = listener();
        let addr = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(PeerState {
            script: Mutex::new(Box::new(script)),
            asked: Mutex::default(),
            has_stopped: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                if served.has_stopped.load(Ordering::Acquire) {
                    break;
                }
                let shared = Arc::clone(&served);
                // The client sees how its connection ended; the test checks that.
                thread::spawn(move || connection.and_then(|it| shared.serve(number, it)).ok());
            }
        });
        Self { addr, shared, thread: Some(thread) }
    }

    /// Answers as the rules ask of a server that has this version, under every name.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn honest(version: FileVersion) -> Self {
        Self::start(move |asked| match &asked.fetch {
            Some(request) => Reply::open(RawAnswer::honest(request, &version).encode()),
            None => Reply::fin(response(&version.content)),
        })
    }

    /// Tells `lie` whenever the request gives an occasion. Other requests are answered as
    /// [`honest`](Self::honest) does, but the first of them ends after half of its data, so that
    /// the client has something to go on from.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn lying(version: FileVersion, lie: Lie) -> Self {
        let mut may_cut = true;
        Self::start(move |asked| {
            let Some(request) = &asked.fetch else { return Reply::fin(MALFORMED.to_vec()) };
            if let Some(bytes) = lie.tell(request, &version) {
                return Reply::open(bytes);
            }
            let answer = RawAnswer::honest(request, &version);
            match std::mem::take(&mut may_cut) {
                true => Reply::cut(answer.encode(), answer.data.len() / 2),
                false => Reply::open(answer.encode()),
            }
        })
    }

    /// A server that knows only the first pair of messages: to type 3 it answers status 2 of
    /// type 2 (R35).
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn of_the_first_pair(content: &[u8]) -> Self {
        let whole = response(content);
        Self::start(move |asked| match asked.fetch {
            Some(_) => Reply::fin(MALFORMED.to_vec()),
            None => Reply::fin(whole.clone()),
        })
    }

    /// Returns the address of the listener.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the port of [`addr`](Self::addr).
    pub const fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Returns the requests that have come, of either pair.
    pub fn asked(&self) -> Vec<ReceivedRequest> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the requests of FETCH that have come.
    pub fn fetches(&self) -> Vec<RawFetch> {
        self.asked().into_iter().filter_map(|asked| asked.fetch).collect()
    }
}

impl Drop for FetchPeer {
    fn drop(&mut self) {
        self.shared.has_stopped.store(true, Ordering::Release);
        // Wakes the thread out of `accept`.
        TcpStream::connect(self.addr).ok();
        self.thread.take().map(JoinHandle::join);
        // A second panic during unwinding would abort and hide the first.
        assert!(thread::panicking() || !self.shared.script.is_poisoned(), "the script panicked");
    }
}

impl PeerState {
    fn serve(&self, number: usize, mut connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        loop {
            let bytes = read_request(&mut connection)?;
            let reply = self.reply(number, bytes)?;
            connection.write_all(&reply.bytes)?;
            match reply.after {
                After::Open => continue,
                After::Fin => connection.shutdown(Shutdown::Write)?,
                After::Reset => {
                    return SockRef::from(&connection).set_linger(Some(Duration::ZERO));
                }
                After::Silent => {}
            }
            io::copy(&mut connection, &mut io::sink())?;
            return Ok(());
        }
    }

    fn reply(&self, connection: usize, bytes: Vec<u8>) -> io::Result<Reply> {
        let mut script = self.script.lock().map_err(|_| io::Error::other("the script panicked"))?;
        let asked = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let fetch = RawFetch::decode(&bytes);
            let asked = ReceivedRequest { connection, number: all.len(), bytes, fetch };
            all.push(asked.clone());
            asked
        };
        Ok(script(&asked))
    }
}

/// Reads one request of either pair: both have the length of the rest in bytes 3 and 4 (R17).
fn read_request(connection: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = vec![0; 5];
    connection.read_exact(&mut request)?;
    let rest = usize::from(u16::from_be_bytes([request[3], request[4]]));
    request.resize(5 + rest, 0);
    connection.read_exact(&mut request[5..])?;
    Ok(request)
}

#[cfg(test)]
mod tests;
