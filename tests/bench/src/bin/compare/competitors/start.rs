//! Starts the servers under comparison, as far as this machine has them.

use std::net::Ipv4Addr;

use fetchlet_test_kit::Nginx;

use super::server::{Competitor, CompetitorServer, Started};
use super::{naive, raw};
use crate::files::TestFile;
use crate::load::Protocol;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

/// Starts those of `competitors` that this machine can run, and asks each for `file` once.
/// `readings` gets the others, with the reason.
pub(crate) fn start(
    competitors: &[Competitor],
    setting: &Setting,
    file: &TestFile,
    readings: &mut Readings,
) -> Result<Vec<CompetitorServer>> {
    let mut servers = Vec::new();
    for competitor in competitors {
        if *competitor == Competitor::Before && setting.before.is_none() {
            continue;
        }
        match start_one(*competitor, setting, file)? {
            Ok(server) => {
                server.warm_up(file)?;
                servers.push(server);
            }
            Err(reason) => readings.leave_out(competitor.name(), &reason),
        }
    }
    Ok(servers)
}

/// Starts the server, or returns why it is left out. `file` is the only file that the raw loop
/// serves.
pub(crate) fn start_one(
    competitor: Competitor,
    setting: &Setting,
    file: &TestFile,
) -> Result<Started> {
    if competitor.has_bbr()
        && let Err(reason) = setting.congestion.check_bbr()
    {
        return Ok(Err(reason));
    }
    match competitor {
        Competitor::Fetchlet | Competitor::FetchletBbr | Competitor::Before => {
            fetchlet(competitor, setting)
        }
        Competitor::Nginx | Competitor::NginxAio | Competitor::NginxKept | Competitor::NginxBbr => {
            nginx(competitor, setting)
        }
        Competitor::Raw => raw::start(file),
        Competitor::Naive => naive::start(setting),
    }
}

fn fetchlet(competitor: Competitor, setting: &Setting) -> Result<Started> {
    let mut command = setting.fetchlet(competitor == Competitor::Before);
    command.args(["serve", "0", "-q", "--max-per-peer", "0", "--max-connections", "12000"]);
    // nginx waits as long. Idle connections must stay open until they are counted.
    command.args(["--request-deadline", "60s"]);
    command.arg("--root").arg(setting.files.folder());
    Ok(Ok(CompetitorServer::announced(competitor, Protocol::Ours, &mut command)?))
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
    Ok(Ok(CompetitorServer::nginx(competitor, protocol, nginx)))
}
