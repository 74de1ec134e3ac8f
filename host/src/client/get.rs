//! The client's settings, and a request with them.

use std::time::{Duration, Instant};

use fetchlet_codec::Filename;

use super::address::ServerAddr;
use super::connect;
use super::error::ClientError;
use super::response::Response;

/// The default of both timeouts (R15).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Downloads files.
///
/// ```no_run
/// use std::time::Duration;
/// use fetchlet::Client;
///
/// let client = Client::new().idle_timeout(Duration::from_secs(1));
/// let greeting = client.get("localhost:5000", "h.txt")?.bytes(1024)?;
/// client.get(("192.0.2.1", 5000), "board/v2.bin")?.save("v2.bin")?;
/// # Ok::<(), fetchlet::ClientError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_size: Option<u64>,
}

impl Client {
    /// Returns a client with timeouts of 10 s, both for connecting and for progress (R15), that
    /// takes files of any size.
    pub const fn new() -> Self {
        Self { connect_timeout: DEFAULT_TIMEOUT, idle_timeout: DEFAULT_TIMEOUT, max_size: None }
    }

    /// Sets how long to wait for a connection: the lookup of the host's name and all attempts to
    /// connect have this time together; at least 1 ms.
    ///
    /// A lookup that is given up goes on in a thread of its own until the system's resolver ends
    /// it. At most 64 lookups are under way at once in a process; further ones wait for these,
    /// within their timeout.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long to wait for a peer that moves nothing (R15); at least 1 ms.
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets the largest file to accept, in bytes. [`get`](Self::get) refuses a file that is
    /// announced with more.
    pub const fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// Connects to the address of the server that accepts first, asks for the file `name`, and
    /// waits for the header.
    ///
    /// Of several addresses one more is tried every 250 ms until one accepts, IPv6 and IPv4 in
    /// turns (RFC 8305): one that does not answer delays the download by no more than that.
    ///
    /// The server is text (`"host:port"`, an IPv6 address in brackets), a pair of host and port, or
    /// a [`SocketAddr`](std::net::SocketAddr): whatever converts to a [`ServerAddr`]. The name is
    /// text or a [`Filename`].
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but those of writing and [`ClientError::ChecksumDiffers`].
    pub fn get<A, N>(&self, server: A, name: N) -> Result<Response, ClientError>
    where
        A: TryInto<ServerAddr, Error: Into<ClientError>>,
        N: TryInto<Filename, Error: Into<ClientError>>,
    {
        let server = server.try_into().map_err(Into::into)?;
        let name = name.try_into().map_err(Into::into)?;
        self.request(&server, name)
    }

    fn request(&self, server: &ServerAddr, name: Filename) -> Result<Response, ClientError> {
        let started = Instant::now();
        let connection = connect::connect(server, self.connect_timeout)?;
        connect::set_idle_timeout(&connection, self.idle_timeout)?;
        let response = Response::start(connection, name)?.started_at(started);
        let announced = response.data_len();
        match self.max_size {
            Some(max) if u64::from(announced) > max => {
                Err(ClientError::TooLarge { announced, max })
            }
            _ => Ok(response),
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}
