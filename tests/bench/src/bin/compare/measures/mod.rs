//! Lists the measures. Each file defines one: its competitors, its readings and its goals.

mod big;
mod cold;
mod get;
mod growth;
mod idle;
mod medium;
mod slow;
mod small;
mod syscalls;
mod tftp;

use crate::Result;
use crate::goal::Goal;
use crate::readings::Readings;
use crate::setting::Setting;

#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) goals: &'static [Goal],
    pub(crate) run: fn(&Setting, &mut Readings) -> Result<()>,
}

/// Every measure, in the order of the report.
pub(crate) const ALL: &[Measure] = &[
    big::BIG,
    medium::MEDIUM,
    small::ONE,
    small::MANY,
    syscalls::SYSCALLS,
    cold::COLD,
    idle::IDLE,
    slow::SLOW,
    get::LARGE,
    get::HUGE,
    get::CHECKED,
    get::SMALL,
    tftp::TFTP,
    growth::BYTES,
    growth::CONNECTIONS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_measures_share_a_name() {
        for (at, measure) in ALL.iter().enumerate() {
            assert!(ALL[..at].iter().all(|it| it.name != measure.name), "{}", measure.name);
        }
    }
}
