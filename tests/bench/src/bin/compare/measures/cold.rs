//! Measures whether a server that waits for its disk makes other clients wait: four clients read
//! files that are not in the page cache, four others ask for a file that is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::measure::Measure;
use super::small;
use crate::competitors::{self, Competitor, CompetitorServer};
use crate::files::TestFile;
use crate::goal::Goal;
use crate::load::{LoadFigures, Until};
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const P99: &str = "hot p99, µs";
const MAX: &str = "hot slowest, ms";
const RATE: &str = "hot requests/s meanwhile";
const COLD_RATE: &str = "cold MB/s";
/// The number of clients that read cold files, each its own: more than the machine has cores.
const READERS: usize = 4;

const NAMES: [&str; READERS] = ["cold-1", "cold-2", "cold-3", "cold-4"];

pub(super) const COLD: Measure = Measure {
    name: "cold",
    about: "a hot 1 KiB file while 4 clients read 4 cold files of 256 MiB",
    goals: &[
        Goal::less(P99, "fetchlet", "nginx").must(0.10).aim(0.05),
        Goal::less(P99, "fetchlet", "nginx, aio threads").must(1.1).aim(0.5),
        Goal::less(small::CPU, "fetchlet", "nginx, aio threads").must(0.65),
    ],
    run,
};

fn run(setting: &Setting, readings: &mut Readings) -> Result<()> {
    if !setting.files.on_disk()? {
        readings.leave_out("all", "the served files are in memory, not on a disk: --dir");
        return Ok(());
    }
    let hot = setting.small()?;
    let cold: Result<Vec<TestFile>> =
        NAMES.iter().map(|name| setting.files.noise(name, setting.sizes.cold)).collect();
    let cold = cold?;
    let competitors = [Competitor::Fetchlet, Competitor::Nginx, Competitor::NginxAio];
    let servers = competitors::start(&competitors, setting, &hot, readings)?;
    setting.rounds(&servers, |server| {
        for file in &cold {
            file.evict()?;
        }
        let (hot, cold) = both(server, &hot, &cold)?;
        readings.add(P99, server.name(), hot.latency(0.99).as_secs_f64() * 1e6);
        readings.add(MAX, server.name(), hot.latency(1.0).as_secs_f64() * 1e3);
        readings.add(RATE, server.name(), hot.rate());
        readings.add(COLD_RATE, server.name(), cold.megabytes());
        Ok(())
    })?;
    // A server that protects itself from cold files may need more CPU time for hot ones.
    setting.rounds(&servers, |server| {
        let before = server.cpu()?;
        let until = Until::Elapsed(setting.seconds);
        let outcome = server.ask(std::slice::from_ref(&hot), 32, until)?;
        let cpu = (server.cpu()? - before).as_secs_f64() * 1e6;
        readings.add(small::CPU, server.name(), cpu / outcome.requests as f64);
        Ok(())
    })
}

/// Asks for the hot file until the downloads of the cold files have ended.
fn both(
    server: &CompetitorServer,
    hot: &TestFile,
    cold: &[TestFile],
) -> Result<(LoadFigures, LoadFigures)> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let outcome = server.ask(cold, READERS, Until::Requests(READERS as u64));
            done.store(true, Ordering::Relaxed);
            outcome
        });
        let hot = server.ask(std::slice::from_ref(hot), 4, Until::Raised(&done));
        let cold = reading.join().map_err(|_| "the cold readers panicked")?;
        Ok((hot?, cold?))
    })
}
