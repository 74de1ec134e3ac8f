//! Measures whether a byte costs more in a longer file, and a request more beside open connections.

use super::measure::Measure;
use crate::competitors::{self, Competitor};
use crate::goal::Goal;
use crate::load::Until;
use crate::load::idle::Idle;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const BYTE: &str = "time per MiB, µs";
const REQUEST: &str = "time per request, µs";

const SHORTEST: &str = "1 MiB";
const LONGEST: &str = "4 GiB - 1";
/// The row with no connection but that of the request.
const ALONE: &str = "1 open";
/// The row with the full size's number of idle connections.
const CROWD: &str = "10,000 open";

pub(super) const BYTES: Measure = Measure {
    name: "growth-bytes",
    about: "fetchlet's time per byte, from 1 MiB to 4 GiB - 1, one client",
    goals: &[Goal::less(BYTE, LONGEST, SHORTEST).must(1.2).aim(1.05)],
    run: bytes,
};

pub(super) const CONNECTIONS: Measure = Measure {
    name: "growth-open",
    about: "fetchlet's time per 1 KiB request, from 1 to 10,000 open connections",
    goals: &[Goal::less(REQUEST, CROWD, ALONE).must(1.2).aim(1.05)],
    run: connections,
};

fn bytes(setting: &Setting, readings: &mut Readings) -> Result<()> {
    let longest = setting.files.sparse("longest", setting.sizes.longest)?;
    let files = [
        (SHORTEST, setting.medium()?),
        ("64 MiB", setting.large()?),
        ("1 GiB", setting.huge()?),
        (LONGEST, longest),
    ];
    let servers = competitors::start(&[Competitor::Fetchlet], setting, &files[0].1, readings)?;
    let server = servers.first().ok_or("no server")?;
    for (_, file) in &files {
        server.warm_up(file)?;
    }
    setting.rounds(&files, |(name, file)| {
        // Shorter files are fetched several times, so that a turn is long enough to be timed.
        let times = (setting.sizes.huge / file.len / 4).max(1);
        let outcome = server.ask(std::slice::from_ref(file), 1, Until::Requests(times))?;
        let mebibytes = outcome.bytes as f64 / f64::from(1 << 20);
        readings.add(BYTE, name, outcome.elapsed.as_secs_f64() * 1e6 / mebibytes);
        Ok(())
    })
}

fn connections(setting: &Setting, readings: &mut Readings) -> Result<()> {
    let file = setting.small()?;
    let servers = competitors::start(
        &[Competitor::Fetchlet, Competitor::Fetchlet],
        setting,
        &file,
        readings,
    )?;
    let named: Vec<_> = [ALONE, CROWD].into_iter().zip(&servers).collect();
    setting.rounds(&named, |(name, server)| {
        // The connections are opened anew for each turn, because the server closes idle ones after
        // its timeout.
        let crowd = if *name == CROWD { setting.sizes.idle } else { 1 };
        let idle = Idle::open(server.addr, crowd - 1)?;
        server.warm_up(&file)?;
        let until = Until::Elapsed(setting.seconds);
        let outcome = server.ask(std::slice::from_ref(&file), 1, until)?;
        idle.check()?;
        readings.add(REQUEST, name, 1e6 / outcome.rate());
        Ok(())
    })
}
