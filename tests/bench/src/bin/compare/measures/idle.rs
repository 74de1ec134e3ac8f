//! Measures the memory of ten thousand connections on which no request is sent.

use fetchlet_test_kit::Usage;

use super::measure::Measure;
use super::small;
use crate::competitors::{self, Competitor};
use crate::goal::Goal;
use crate::load::Until;
use crate::load::idle::Idle;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const BEFORE: &str = "memory before, MB";
const WITH: &str = "memory with all open, MB";
const EACH: &str = "bytes per connection";

pub(super) const IDLE: Measure = Measure {
    name: "idle-10k",
    about: "10,000 idle connections",
    goals: &[Goal::at_most(WITH, "fetchlet").must(17.0).aim(8.0)],
    run,
};

fn run(setting: &Setting, readings: &mut Readings) -> Result<()> {
    let file = setting.small()?;
    let connections = setting.sizes.idle;
    setting.rounds(&[Competitor::Fetchlet, Competitor::Nginx], |competitor| {
        // Each turn starts a new server, because a process seldom gives memory back.
        let server = match competitors::start_one(*competitor, setting, &file)? {
            Ok(server) => server,
            Err(reason) => {
                readings.leave_out(competitor.name(), &reason);
                return Ok(());
            }
        };
        server.warm_up(&file)?;
        let before = Usage::of(&server.processes()?)?.resident as f64;
        let idle = Idle::open(server.addr, connections)?;
        // Connections are accepted in their order: once these are answered, all idle ones were
        // accepted.
        let until = Until::Elapsed(setting.seconds / 4);
        let outcome = server.ask(std::slice::from_ref(&file), 8, until)?;
        let with = Usage::of(&server.processes()?)?.resident as f64;
        idle.check()?;
        readings.add(BEFORE, server.name(), before / 1e6);
        readings.add(WITH, server.name(), with / 1e6);
        readings.add(EACH, server.name(), (with - before) / connections as f64);
        readings.add(small::RATE, server.name(), outcome.rate());
        Ok(())
    })
}
