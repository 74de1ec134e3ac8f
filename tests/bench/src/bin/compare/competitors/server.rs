//! Names the competitors, asks a running server, and reads what its processes use.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use fetchlet_test_kit::{ChildProcess, Nginx, usage};
use rustix::process::Pid;

use crate::congestion;
use crate::files::TestFile;
use crate::load::{self, LoadFigures, Protocol, Until};
use crate::result::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Competitor {
    /// `fetchlet serve` with its defaults, except for the limits of connections and the request
    /// deadline.
    Fetchlet,
    /// The same server, asked while new connections get BBR.
    FetchletBbr,
    /// The build that `--against` names.
    Before,
    /// nginx with `sendfile on; tcp_nopush on`.
    Nginx,
    /// nginx with `aio threads` as well.
    NginxAio,
    /// nginx asked by HTTP/1.1: the requests of a client share a connection.
    NginxKept,
    /// The same server, asked while new connections get BBR.
    NginxBbr,
    /// A loop of accept, sendfile and close, which serves one file.
    Raw,
    /// A server in Python that reads the whole file into memory.
    Naive,
}

impl Competitor {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fetchlet => "fetchlet",
            Self::FetchletBbr => "fetchlet, bbr",
            Self::Before => "fetchlet, before",
            Self::Nginx => "nginx",
            Self::NginxAio => "nginx, aio threads",
            Self::NginxKept => "nginx, keep-alive",
            Self::NginxBbr => "nginx, bbr",
            Self::Raw => "raw sendfile loop",
            Self::Naive => "naive Python",
        }
    }

    /// Whether the server is asked while new connections get BBR.
    pub(super) const fn has_bbr(self) -> bool {
        matches!(self, Self::FetchletBbr | Self::NginxBbr)
    }
}

/// A server, or the reason why this machine can't run it.
pub(crate) type Started = std::result::Result<CompetitorServer, String>;

/// A server that listens. Dropping it kills its processes.
#[derive(Debug)]
pub(crate) struct CompetitorServer {
    pub(crate) competitor: Competitor,
    pub(crate) addr: SocketAddr,
    protocol: Protocol,
    process: Process,
}

#[derive(Debug)]
enum Process {
    Alone(ChildProcess),
    Nginx(Nginx),
}

impl CompetitorServer {
    /// Starts a server that prints its address as the last word of its first line.
    pub(super) fn announced(
        competitor: Competitor,
        protocol: Protocol,
        command: &mut Command,
    ) -> Result<Self> {
        let (running, line) = ChildProcess::announced(command.stdin(Stdio::null()))?;
        let last = line.split_ascii_whitespace().last().unwrap_or_default();
        let addr =
            last.parse().map_err(|_| format!("{}: no address in {line:?}", competitor.name()))?;
        Ok(Self { competitor, addr, protocol, process: Process::Alone(running) })
    }

    pub(super) fn nginx(competitor: Competitor, protocol: Protocol, nginx: Nginx) -> Self {
        Self { competitor, addr: nginx.addr(), protocol, process: Process::Nginx(nginx) }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.competitor.name()
    }

    pub(crate) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(crate) fn ask(
        &self,
        files: &[TestFile],
        clients: usize,
        until: Until,
    ) -> Result<LoadFigures> {
        let outcome = self.under(|| load::run(self.addr, self.protocol, files, clients, until));
        outcome.map_err(|error| format!("{}: {error}", self.name()).into())
    }

    /// Runs `body` under the congestion control of this server's turn. A connection gets its
    /// congestion control when it is accepted, so that turns may differ.
    pub(crate) fn under<T>(&self, body: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.competitor.has_bbr() { congestion::with_bbr(body) } else { body() }
    }

    /// Makes one request that is not measured, after which the file is in the page cache.
    pub(crate) fn warm_up(&self, file: &TestFile) -> Result<()> {
        self.ask(std::slice::from_ref(file), 1, Until::Requests(1)).map(drop)
    }

    pub(crate) fn processes(&self) -> Result<Vec<Pid>> {
        let root = match &self.process {
            Process::Alone(running) => running.pid(),
            Process::Nginx(nginx) => nginx.pid(),
        };
        Ok(usage::family(root)?)
    }

    pub(crate) fn cpu(&self) -> Result<Duration> {
        Ok(usage::cpu(&self.processes()?)?)
    }
}
