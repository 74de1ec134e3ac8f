//! The access log: how an exchange ended, and the one event that tells so.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread;

use fetchlet_codec::Status;
use tokio::time::Instant;

/// How an exchange ended: the field `end` of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndReason {
    /// The kernel took the whole response, which holds a file.
    Sent,
    /// The kernel took the whole response, which says that there is no such file (R8, R9).
    NotFound,
    /// The kernel took the whole response, which says that the request is malformed (R5).
    Malformed,
    /// The request was not whole in time (R6).
    Deadline,
    /// The peer took nothing for as long as the timeout (R15).
    Stalled,
    /// The peer ended the connection first.
    PeerGone,
    /// The file became shorter than announced (R10).
    ShortFile,
    /// This machine failed: the peer got no response, or not all of it (R8).
    ServerFault,
    /// The server stopped first.
    Stopped,
    /// The peer ended the connection before its first byte (R6).
    Probe,
}

impl EndReason {
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

/// How an exchange ended, with the details.
#[derive(Debug)]
pub(super) struct ExchangeEnd {
    pub(super) end: EndReason,
    /// The field `reason` of the event, where `end` says too little.
    pub(super) reason: Option<Cow<'static, str>>,
}

impl ExchangeEnd {
    pub(super) fn because(end: EndReason, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { end, reason: Some(reason.into()) }
    }

    /// A fault of this machine, in the words of `error`.
    pub(super) fn fault(error: &impl ToString) -> Self {
        Self::because(EndReason::ServerFault, error.to_string())
    }

    /// Adds a reason, unless there is one.
    pub(super) fn or_because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason.get_or_insert_with(|| reason.into());
        self
    }
}

impl From<EndReason> for ExchangeEnd {
    fn from(end: EndReason) -> Self {
        Self { end, reason: None }
    }
}

/// The facts of one exchange. Dropping an entry writes its event, so an aborted exchange is logged
/// too.
#[derive(Debug)]
pub(super) struct AccessLogEntry {
    peer: SocketAddr,
    pub(super) accepted_at: Instant,
    name: Option<Arc<str>>,
    /// The status of the response, once the response has begun.
    pub(super) status: Option<Status>,
    /// How many bytes of data the kernel has taken.
    pub(super) bytes: u32,
    ended: ExchangeEnd,
}

impl AccessLogEntry {
    pub(super) fn new(peer: SocketAddr, accepted_at: Instant) -> Self {
        // A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d.
        let peer = match peer.ip().to_canonical() {
            ip @ IpAddr::V4(_) => SocketAddr::new(ip, peer.port()),
            // With its interface, if it is a link-local address.
            IpAddr::V6(_) => peer,
        };
        let ended = EndReason::Stopped.into();
        Self { peer, accepted_at, name: None, status: None, bytes: 0, ended }
    }

    pub(super) fn requested(&mut self, name: Arc<str>) {
        tracing::debug!(target: "fetchlet::exchange", peer = %self.peer, name = &*name, "requested");
        self.name = Some(name);
    }

    pub(super) fn finish(mut self, end: ExchangeEnd) {
        self.ended = end;
    }
}

impl Drop for AccessLogEntry {
    fn drop(&mut self) {
        let ended = &self.ended;
        let end = if thread::panicking() { EndReason::ServerFault } else { ended.end };
        let reason = ended.reason.as_deref();
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
                    ms = u64::try_from(self.accepted_at.elapsed().as_millis()).unwrap_or(u64::MAX),
                    end = end.as_str(),
                    reason,
                )
            };
        }
        match end {
            EndReason::Probe => line!(tracing::Level::DEBUG),
            EndReason::ServerFault => line!(tracing::Level::WARN),
            _ => line!(tracing::Level::INFO),
        }
    }
}
