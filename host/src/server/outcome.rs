//! How an exchange ended, and the one line that says so.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use fetchlet_codec::Status;
use tokio::time::Instant;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The system took the whole response.
    Sent,
    /// The same, and it said that there is no such file (R8, R9).
    NotFound,
    /// The same, and it said that the request is malformed (R5).
    Malformed,
    /// The request was not whole in time (R6).
    Deadline,
    /// The peer took nothing for as long as the time-out allows (R15).
    Stalled,
    /// The peer ended the connection first.
    PeerGone,
    /// The file became shorter than announced (R10).
    ShortFile,
    /// A fault of this machine; no response, or not the whole of it (R8).
    ServerFault,
    /// The server stopped first.
    Stopped,
    /// The connection ended before its first byte (R6).
    Probe,
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NotFound => "not found",
            Self::Malformed => "malformed",
            Self::Deadline => "deadline",
            Self::Stalled => "stalled",
            Self::PeerGone => "peer gone",
            Self::ShortFile => "short file",
            Self::ServerFault => "server fault",
            Self::Stopped => "stopped",
            Self::Probe => "probe",
        }
    }
}

/// How it ended and, where that says too little, why.
pub(super) type Outcome = (End, Option<Cow<'static, str>>);

/// What is known of an exchange. Its drop logs it, so that one that is aborted has its line too.
#[derive(Debug)]
pub(super) struct Record {
    peer: SocketAddr,
    pub(super) accepted: Instant,
    pub(super) name: Option<Arc<str>>,
    /// What was answered, once it was.
    pub(super) status: Option<Status>,
    /// Of data, as far as the system has taken it.
    pub(super) bytes: u32,
    outcome: Outcome,
}

impl Record {
    pub(super) fn new(peer: SocketAddr, accepted: Instant) -> Self {
        // A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        Self { peer, accepted, name: None, status: None, bytes: 0, outcome: (End::Stopped, None) }
    }

    pub(super) fn requested(&mut self, name: Arc<str>) {
        tracing::debug!(target: "fetchlet::exchange", peer = %self.peer, name = &*name, "requested");
        self.name = Some(name);
    }

    pub(super) fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let (mut end, reason) = (self.outcome.0, self.outcome.1.as_deref());
        if thread::panicking() {
            end = End::ServerFault;
        }
        // Strings, not `%`: the subscriber's formats then quote and escape them.
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: "fetchlet::exchange",
                    $level,
                    peer = %self.peer,
                    name = self.name.as_deref(),
                    status = self.status.map(|status| status as u8),
                    bytes = self.bytes,
                    ms = u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(u64::MAX),
                    end = end.as_str(),
                    reason,
                )
            };
        }
        match end {
            End::Probe => line!(tracing::Level::DEBUG),
            End::ServerFault => line!(tracing::Level::WARN),
            _ => line!(tracing::Level::INFO),
        }
    }
}
