//! Every way a download can fail: what the connection did, what the peer said, what happened here.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fetchlet_codec::DownloadError;

use super::{Checksum, Progress};
use crate::StagingError;

/// Why a file was not downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The host's name has no address.
    #[error("cannot resolve {host:?}: {source}")]
    Resolve {
        /// The name, as given.
        host: String,
        /// The resolver's answer.
        source: io::Error,
    },
    /// No address of the host accepted the connection.
    #[error("cannot connect: {}", list(.attempts))]
    Connect {
        /// Every address, in the order tried, with its error.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The peer moved nothing for too long (R15).
    #[error("nothing came for {after:.1?}{}", so_far(.progress))]
    TimedOut {
        /// How long that was.
        after: Duration,
        /// How much of the file had come; none before the header.
        progress: Option<Progress>,
    },
    /// The connection broke.
    #[error("the connection broke: {source}{}", so_far(.progress))]
    Connection {
        /// What the system said.
        source: io::Error,
        /// How much of the file had come; none before the header.
        progress: Option<Progress>,
    },
    /// What came is not a response (R11), or the connection ended before it was whole (R12).
    #[error(transparent)]
    Protocol(#[from] DownloadError),
    /// The server has no such file (R8).
    #[error("the server has no such file (R8)")]
    NotFound,
    /// The server says that our request is malformed (R5).
    #[error("the server found the request malformed (R5)")]
    Malformed,
    /// The file is larger than the client may take.
    #[error("the file has {announced} bytes, more than the {max} allowed")]
    TooLarge {
        /// The announced length, in bytes.
        announced: u64,
        /// The bound, in bytes.
        max: u64,
    },
    /// All data has come, but it is not what was expected.
    #[error("the checksum differs: {found} instead of {expected}")]
    ChecksumDiffers {
        /// What it should be.
        expected: Checksum,
        /// What it is.
        found: Checksum,
    },
    /// The sink took no more.
    #[error("cannot write the data: {0}")]
    Write(io::Error),
    /// The target, or the file that was to become it, could not be written.
    #[error(transparent)]
    Staging(#[from] StagingError),
}

impl ClientError {
    /// Whether the same request may succeed later: a refused, reset, timed out or truncated one.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { attempts } => attempts.iter().any(|(_, error)| may_pass(error)),
            Self::Connection { source, .. } => may_pass(source),
            Self::TimedOut { .. } => true,
            Self::Protocol(error) => !matches!(error, DownloadError::Decode(_)),
            _ => false,
        }
    }

    /// Whether it was time that ran out, while connecting or after.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Connect { attempts } => {
                attempts.iter().all(|(_, error)| error.kind() == io::ErrorKind::TimedOut)
            }
            _ => false,
        }
    }
}

/// A read or write that timed out reports `WouldBlock`; the kernel's own time-outs `TimedOut`.
pub(super) fn failed(
    source: io::Error,
    idle_since: Instant,
    progress: Option<Progress>,
) -> ClientError {
    match source.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            ClientError::TimedOut { after: idle_since.elapsed(), progress }
        }
        _ => ClientError::Connection { source, progress },
    }
}

fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut,
    };
    let kind = error.kind();
    matches!(kind, ConnectionRefused | ConnectionReset | ConnectionAborted | BrokenPipe | TimedOut)
}

fn list(attempts: &[(SocketAddr, io::Error)]) -> String {
    let mut text = String::new();
    for (address, error) in attempts {
        let separator = if text.is_empty() { "" } else { "; " };
        // Writing to a String can't fail.
        write!(text, "{separator}{address}: {error}").ok();
    }
    text
}

fn so_far(progress: &Option<Progress>) -> String {
    match progress {
        Some(Progress { received, expected }) => format!(" after {received} of {expected} bytes"),
        None => " before the answer".into(),
    }
}
