//! Measures how much of the kernel's TCP memory a thousand slow readers hold, and how long a fast
//! client waits beside them.

use std::time::{Duration, Instant};

use fetchlet_test_kit::usage;

use super::measure::Measure;
use super::small;
use crate::competitors::{self, Competitor};
use crate::goal::Goal;
use crate::load::Until;
use crate::load::slow::{SlowReaders, pause};
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const PAGES: &str = "TCP memory, pages";
const MAX: &str = "fast client's slowest, ms";

pub(super) const SLOW: Measure = Measure {
    name: "slow-readers",
    about: "1,000 readers of 1 GiB that take 5 KiB/s, and one fast client",
    goals: &[
        Goal::less(PAGES, "fetchlet", "nginx").must(0.16).aim(0.08),
        Goal::at_most(MAX, "fetchlet").must(20.0).aim(10.0),
    ],
    run,
};

fn run(setting: &Setting, readings: &mut Readings) -> Result<()> {
    let (large, fast) = (setting.huge()?, setting.small()?);
    let servers =
        competitors::start(&[Competitor::Fetchlet, Competitor::Nginx], setting, &large, readings)?;
    setting.rounds(&servers, |server| {
        let before = usage::tcp_pages()?;
        let readers =
            SlowReaders::start(server.addr, server.protocol(), &large, setting.sizes.slow)?;
        let until = Until::Elapsed(setting.seconds * 3);
        let outcome = server.ask(std::slice::from_ref(&fast), 1, until)?;
        // Other sockets of the machine may have freed pages during the turn.
        let pages = (usage::tcp_pages()? - before).max(1.0);
        readers.stop()?;
        readings.add(PAGES, server.name(), pages);
        readings.add(MAX, server.name(), outcome.latency(1.0).as_secs_f64() * 1e3);
        readings.add(small::SLOW, server.name(), outcome.latency(0.99).as_secs_f64() * 1e6);
        settle(before + pages / 20.0)
    })
}

/// Waits until the kernel's TCP memory is back at `pages`, for at most 10 s, because other programs
/// may hold some.
fn settle(pages: f64) -> Result<()> {
    let started = Instant::now();
    while usage::tcp_pages()? > pages && started.elapsed() < Duration::from_secs(10) {
        pause(Duration::from_millis(20));
    }
    Ok(())
}
