//! The measures, each a file: who takes part, what is read, and what is to come out.

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
use crate::readings::Readings;
use crate::setting::Setting;
use crate::stats;

#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) goals: &'static [Goal],
    pub(crate) run: fn(&Setting, &mut Readings) -> Result<()>,
}

/// In the order of the report.
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

/// What is wanted of a quantity: of the ratio to another's, or of ours alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) quantity: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) against: Option<&'static str>,
    more_is_better: bool,
    pub(crate) must: Option<f64>,
    pub(crate) aim: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The aim, too.
    Aim,
    Met,
    Missed,
}

impl Goal {
    const fn more(quantity: &'static str, ours: &'static str, theirs: &'static str) -> Self {
        let against = Some(theirs);
        Self { quantity, ours, against, more_is_better: true, must: None, aim: None }
    }

    const fn less(quantity: &'static str, ours: &'static str, theirs: &'static str) -> Self {
        let against = Some(theirs);
        Self { quantity, ours, against, more_is_better: false, must: None, aim: None }
    }

    const fn at_most(quantity: &'static str, ours: &'static str) -> Self {
        Self { quantity, ours, against: None, more_is_better: false, must: None, aim: None }
    }

    const fn must(self, value: f64) -> Self {
        Self { must: Some(value), ..self }
    }

    const fn aim(self, value: f64) -> Self {
        Self { aim: Some(value), ..self }
    }

    /// The figure that the goal is about, where both sides have been read.
    pub(crate) fn figure(&self, readings: &Readings) -> Option<f64> {
        let ours = readings.of(self.quantity, self.ours)?;
        match self.against {
            None => Some(stats::median(ours)),
            Some(theirs) => Some(stats::paired_ratio(ours, readings.of(self.quantity, theirs)?)),
        }
    }

    pub(crate) fn verdict(&self, figure: f64) -> Verdict {
        let reaches =
            |wanted: f64| if self.more_is_better { figure >= wanted } else { figure <= wanted };
        match (self.must, self.aim) {
            (_, Some(aim)) if reaches(aim) => Verdict::Aim,
            (Some(must), _) if reaches(must) => Verdict::Met,
            // Only an aim, and that is not reached.
            _ => Verdict::Missed,
        }
    }

    /// "at least 1.2", say.
    pub(crate) fn wanted(&self, value: Option<f64>) -> String {
        let sign = if self.more_is_better { "≥" } else { "≤" };
        value.map(|it| format!("{sign} {}", crate::table::figure(it))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_on_its_own_side_only() {
        let more = Goal::more("q", "a", "b").must(2.0).aim(3.0);
        assert_eq!(
            [1.9, 2.0, 3.0].map(|it| more.verdict(it)),
            [Verdict::Missed, Verdict::Met, Verdict::Aim]
        );
        let less = Goal::at_most("q", "a").must(3.0).aim(2.0);
        assert_eq!(
            [3.1, 3.0, 2.0].map(|it| less.verdict(it)),
            [Verdict::Missed, Verdict::Met, Verdict::Aim]
        );
        assert_eq!(more.verdict(f64::NAN), Verdict::Missed);
        assert_eq!(less.verdict(f64::NAN), Verdict::Missed);
    }

    #[test]
    fn a_figure_needs_both_sides() {
        let mut readings = Readings::default();
        readings.add("q", "a", 6.0);
        assert_eq!(Goal::more("q", "a", "b").figure(&readings), None);
        assert_eq!(Goal::at_most("q", "a").figure(&readings), Some(6.0));
        readings.add("q", "b", 3.0);
        assert_eq!(Goal::more("q", "a", "b").figure(&readings), Some(2.0));
    }

    #[test]
    fn no_two_measures_share_a_name() {
        for (at, measure) in ALL.iter().enumerate() {
            assert!(ALL[..at].iter().all(|it| it.name != measure.name), "{}", measure.name);
        }
    }
}
