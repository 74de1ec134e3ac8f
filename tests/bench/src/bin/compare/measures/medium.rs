//! Measures 1 MiB to eight clients at a time: long enough for congestion control to matter, short
//! enough for slow start to be most of the transfer.

use super::measure::Measure;
use super::small;
use crate::competitors::Competitor;
use crate::goal::Goal;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const COMPETITORS: &[Competitor] = &[
    Competitor::Fetchlet,
    Competitor::Before,
    Competitor::Nginx,
    Competitor::FetchletBbr,
    Competitor::NginxBbr,
];

pub(super) const MEDIUM: Measure = Measure {
    name: "mid-1m-c8",
    about: "1 MiB, 8 clients, a new connection each",
    goals: &[
        Goal::more(small::RATE, "fetchlet", "nginx").must(1.2).aim(1.5),
        Goal::less(small::CPU, "fetchlet", "nginx"),
        Goal::more(small::RATE, "fetchlet, bbr", "nginx, bbr"),
        Goal::more(small::RATE, "fetchlet", "").not_worse_than_before(),
    ],
    run,
};

fn run(setting: &Setting, readings: &mut Readings) -> Result<()> {
    small::load(COMPETITORS, &setting.medium()?, 8, setting, readings)
}
