//! Starts the servers under comparison, asks them, and reads what they use.

mod naive;
pub(crate) mod raw;
pub(crate) mod tftp;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use fetchlet_test_kit::{Nginx, Running, usage};
use rustix::process::Pid;

use crate::Result;
use crate::files::TestFile;
use crate::load::{self, LoadFigures, Protocol, Until};
use crate::network;
use crate::readings::Readings;
use crate::setting::Setting;

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

    const fn has_bbr(self) -> bool {
        matches!(self, Self::FetchletBbr | Self::NginxBbr)
    }

    /// Starts the server, or returns why it is left out. `file` is the only file that the raw loop
    /// serves.
    pub(crate) fn start(self, setting: &Setting, file: &TestFile) -> Result<Started> {
        if self.has_bbr()
            && let Err(reason) = setting.network.check_bbr()
        {
            return Ok(Err(reason));
        }
        match self {
            Self::Fetchlet | Self::FetchletBbr | Self::Before => fetchlet(self, setting),
            Self::Nginx | Self::NginxAio | Self::NginxKept | Self::NginxBbr => nginx(self, setting),
            Self::Raw => raw::start(file),
            Self::Naive => naive::start(setting),
        }
    }
}

/// A server, or the reason why this machine can't run it.
pub(crate) type Started = std::result::Result<Server, String>;

/// A server that listens. Dropping it kills its processes.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) competitor: Competitor,
    pub(crate) addr: SocketAddr,
    protocol: Protocol,
    process: Process,
}

#[derive(Debug)]
enum Process {
    Alone(Running),
    Nginx(Nginx),
}

impl Server {
    fn announced(
        competitor: Competitor,
        protocol: Protocol,
        command: &mut Command,
    ) -> Result<Self> {
        let (running, line) = Running::announced(command.stdin(Stdio::null()))?;
        let last = line.split_ascii_whitespace().last().unwrap_or_default();
        let addr =
            last.parse().map_err(|_| format!("{}: no address in {line:?}", competitor.name()))?;
        Ok(Self { competitor, addr, protocol, process: Process::Alone(running) })
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
        if self.competitor.has_bbr() { network::with_bbr(body) } else { body() }
    }

    /// Makes one request that is not measured, after which the file is in the page cache.
    pub(crate) fn warm(&self, file: &TestFile) -> Result<()> {
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

/// Starts those of `competitors` that this machine can run, and asks each for `file` once.
/// `readings` gets the others, with the reason.
pub(crate) fn start(
    competitors: &[Competitor],
    setting: &Setting,
    file: &TestFile,
    readings: &mut Readings,
) -> Result<Vec<Server>> {
    let mut servers = Vec::new();
    for competitor in competitors {
        if *competitor == Competitor::Before && setting.before.is_none() {
            continue;
        }
        match competitor.start(setting, file)? {
            Ok(server) => {
                server.warm(file)?;
                servers.push(server);
            }
            Err(reason) => readings.leave_out(competitor.name(), &reason),
        }
    }
    Ok(servers)
}

fn fetchlet(competitor: Competitor, setting: &Setting) -> Result<Started> {
    let mut command = setting.fetchlet(competitor == Competitor::Before);
    command.args(["serve", "0", "-q", "--max-per-peer", "0", "--max-connections", "12000"]);
    // nginx waits as long. Idle connections must stay open until they are counted.
    command.args(["--request-deadline", "60s"]);
    command.arg("--root").arg(setting.files.folder());
    Ok(Ok(Server::announced(competitor, Protocol::Ours, &mut command)?))
}

/// Starts nginx with two workers, one for each core of a small machine.
fn nginx(competitor: Competitor, setting: &Setting) -> Result<Started> {
    if let Err(reason) = setting.tools.get("nginx") {
        return Ok(Err(reason));
    }
    let aio = if competitor == Competitor::NginxAio { "aio threads;" } else { "" };
    let more = format!("keepalive_requests 1000000000; {aio}");
    let nginx = Nginx::start(Ipv4Addr::LOCALHOST, setting.files.folder(), 2, 12_000, &more)?;
    let protocol =
        if competitor == Competitor::NginxKept { Protocol::Http11 } else { Protocol::Http10 };
    Ok(Ok(Server { competitor, addr: nginx.addr(), protocol, process: Process::Nginx(nginx) }))
}
