//! Measures the cost of a request, by fetching 1 KiB again and again.
//!
//! With 32 clients the load, which is one thread, limits the rate. There the servers differ in
//! their CPU time.

use super::measure::Measure;
use crate::competitors::{self, Competitor};
use crate::files::TestFile;
use crate::goal::Goal;
use crate::load::Until;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

pub(super) const RATE: &str = "requests/s";
pub(super) const CPU: &str = "server CPU per request, µs";
const MIDDLE: &str = "p50, µs";
pub(super) const SLOW: &str = "p99, µs";

pub(super) const ONE: Measure = Measure {
    name: "small-c1",
    about: "1 KiB, one client, a new connection each",
    goals: &[
        Goal::more(RATE, "fetchlet", "nginx").must(1.0).aim(1.12),
        Goal::more(RATE, "fetchlet", "").not_worse_than_before(),
    ],
    run: |setting, readings| {
        let competitors = [
            Competitor::Fetchlet,
            Competitor::Before,
            Competitor::Nginx,
            Competitor::NginxKept,
            Competitor::Raw,
            Competitor::Naive,
        ];
        load(&competitors, &setting.small()?, 1, setting, readings)
    },
};

pub(super) const MANY: Measure = Measure {
    name: "small-c32",
    about: "1 KiB, 32 clients, a new connection each",
    goals: &[
        Goal::less(CPU, "fetchlet", "nginx").must(0.95).aim(0.80),
        Goal::less(CPU, "fetchlet", "").not_worse_than_before(),
    ],
    run: |setting, readings| {
        // Python's server is left out: its backlog of 5 makes clients wait a second for a
        // connection.
        let competitors = [
            Competitor::Fetchlet,
            Competitor::Before,
            Competitor::Nginx,
            Competitor::NginxKept,
            Competitor::NginxAio,
            Competitor::Raw,
        ];
        load(&competitors, &setting.small()?, 32, setting, readings)
    },
};

/// Asks each server for `file` by `clients` clients at a time, for the setting's number of seconds.
pub(super) fn load(
    competitors: &[Competitor],
    file: &TestFile,
    clients: usize,
    setting: &Setting,
    readings: &mut Readings,
) -> Result<()> {
    let servers = competitors::start(competitors, setting, file, readings)?;
    let until = Until::Elapsed(setting.seconds);
    setting.rounds(&servers, |server| {
        let before = server.cpu()?;
        let outcome = server.ask(std::slice::from_ref(file), clients, until)?;
        let cpu = server.cpu()? - before;
        readings.add(RATE, server.name(), outcome.rate());
        readings.add(CPU, server.name(), cpu.as_secs_f64() * 1e6 / outcome.requests as f64);
        readings.add(MIDDLE, server.name(), outcome.latency(0.5).as_secs_f64() * 1e6);
        readings.add(SLOW, server.name(), outcome.latency(0.99).as_secs_f64() * 1e6);
        Ok(())
    })
}
