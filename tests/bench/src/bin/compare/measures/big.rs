//! Measures 1 GiB out of the page cache to one client, which discards the bytes.

use fetchlet_test_kit::usage;

use super::measure::Measure;
use crate::competitors::{self, Competitor};
use crate::goal::Goal;
use crate::load::Until;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const RATE: &str = "MB/s";
const FIRST: &str = "first byte, ms";
const CPU: &str = "server CPU per file, ms";
const PEAK: &str = "peak memory, MB";

const COMPETITORS: &[Competitor] = &[
    Competitor::Fetchlet,
    Competitor::Before,
    Competitor::Nginx,
    Competitor::FetchletBbr,
    Competitor::NginxBbr,
    Competitor::Raw,
    Competitor::Naive,
];

pub(super) const BIG: Measure = Measure {
    name: "big-1g",
    about: "1 GiB, one client",
    goals: &[
        Goal::more(RATE, "fetchlet", "nginx").must(0.95).aim(1.05),
        Goal::more(RATE, "fetchlet, bbr", "nginx, bbr"),
        Goal::more(RATE, "fetchlet", "raw sendfile loop").must(0.97).aim(1.05),
        Goal::more(RATE, "fetchlet", "naive Python").must(7.0).aim(10.0),
        Goal::less(FIRST, "fetchlet", "naive Python").must(1.0 / 1000.0).aim(1.0 / 4000.0),
        Goal::less(PEAK, "fetchlet", "naive Python").must(1.0 / 300.0).aim(1.0 / 500.0),
        Goal::more(RATE, "fetchlet", "").not_worse_than_before(),
    ],
    run,
};

fn run(setting: &Setting, readings: &mut Readings) -> Result<()> {
    let file = setting.huge()?;
    let servers = competitors::start(COMPETITORS, setting, &file, readings)?;
    setting.rounds(&servers, |server| {
        let before = server.cpu()?;
        let outcome = server.ask(std::slice::from_ref(&file), 1, Until::Requests(1))?;
        let cpu = server.cpu()? - before;
        readings.add(RATE, server.name(), outcome.megabytes());
        readings.add(FIRST, server.name(), outcome.first_byte().as_secs_f64() * 1e3);
        readings.add(CPU, server.name(), cpu.as_secs_f64() * 1e3);
        readings.add(PEAK, server.name(), usage::peak(&server.processes()?)? as f64 / 1e6);
        Ok(())
    })
}
