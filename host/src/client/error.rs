//! Every way a download can fail: what the connection did, what the peer said, what happened here.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fetchlet_codec::{DownloadError, FilenameError, Progress};

use super::address::ServerAddrError;
use super::checksum::Checksum;
use super::transient::{look_up_may_pass, may_pass};
use crate::staging::StagingError;

/// Why a file was not downloaded.
///
/// `Display` does not print the [`source`](std::error::Error::source): print the whole chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The text that was given as the server's address is none.
    #[error(transparent)]
    InvalidAddress(#[from] ServerAddrError),
    /// No request can carry the file's name (R2).
    #[error(transparent)]
    InvalidName(#[from] FilenameError),
    /// No address of the host was found.
    #[error("cannot resolve {host:?}")]
    Resolve {
        /// The name, as given.
        host: String,
        /// The resolver's answer: `NotFound` if the name has no address, `TimedOut` if there was no
        /// answer within the timeout, another kind if the lookup failed.
        source: io::Error,
    },
    /// No address of the host accepted the connection.
    #[error("cannot connect: {}", join(.attempts))]
    Connect {
        /// Every address that was tried, with its error; those that did not answer come last.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The peer moved nothing for too long (R15).
    #[error("nothing came for {after:.1?}{}", so_far(.progress))]
    TimedOut {
        /// How long the client waited for the peer.
        after: Duration,
        /// How much of the file had come; `None` before the header.
        progress: Option<Progress>,
    },
    /// The connection broke.
    #[error("the connection broke{}", so_far(.progress))]
    Connection {
        /// The system's error.
        source: io::Error,
        /// How much of the file had come; `None` before the header.
        progress: Option<Progress>,
    },
    /// What came is not a response (R11), or the connection ended before the response was whole
    /// (R12).
    #[error(transparent)]
    Protocol(#[from] DownloadError),
    /// The server has no such file (R8).
    #[error("the server has no such file (R8)")]
    NotFound,
    /// The server answered that the request is malformed (R5).
    #[error("the server found the request malformed (R5)")]
    Malformed,
    /// The file is larger than the caller allows.
    #[error("the file has {announced} bytes, more than the {max} allowed")]
    TooLarge {
        /// The announced length, in bytes.
        announced: u32,
        /// The bound, in bytes.
        max: u64,
    },
    /// All data has come, but the data is not what was expected.
    #[error("the checksum differs: {found} instead of {expected}")]
    ChecksumDiffers {
        /// The checksum that was given.
        expected: Checksum,
        /// The checksum of the data.
        found: Checksum,
    },
    /// The caller's writer or file took no more.
    #[error("cannot write the data")]
    Write(#[source] io::Error),
    /// The target, or the staging file that was to become the target, could not be written.
    #[error(transparent)]
    Staging(#[from] StagingError),
}

impl ClientError {
    /// Returns whether the same request may succeed later. That is so
    ///
    /// - after a connection that was refused or reset, that timed out, or that ended early;
    /// - while a network, a host or a local address is down or can't be reached, or a name service
    ///   fails or does not answer (but not if the answer is that the name does not exist);
    /// - while this machine is short of ports, descriptors or memory for a connection.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Resolve { source, .. } => look_up_may_pass(source),
            Self::Connect { attempts } => attempts.iter().any(|(_, error)| may_pass(error)),
            Self::Connection { source, .. } => may_pass(source),
            Self::TimedOut { .. } => true,
            Self::Protocol(error) => !matches!(error, DownloadError::Decode(_)),
            _ => false,
        }
    }

    /// Returns whether a timeout ended the download: during the lookup of the name, while
    /// connecting, or later.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Resolve { source, .. } => source.kind() == ErrorKind::TimedOut,
            Self::Connect { attempts } => {
                attempts.iter().all(|(_, error)| error.kind() == ErrorKind::TimedOut)
            }
            _ => false,
        }
    }

    /// The error for a read or a write that failed, when the peer last moved data at `idle_since`.
    ///
    /// A call that the socket's timeout ended reports `WouldBlock`, the kernel's own timeouts
    /// report `TimedOut`.
    pub(super) fn from_io(
        source: io::Error,
        idle_since: Instant,
        progress: Option<Progress>,
    ) -> Self {
        match source.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                Self::TimedOut { after: idle_since.elapsed(), progress }
            }
            _ => Self::Connection { source, progress },
        }
    }
}

/// For a name or an address that needs no conversion.
impl From<Infallible> for ClientError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn join(attempts: &[(SocketAddr, io::Error)]) -> String {
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
