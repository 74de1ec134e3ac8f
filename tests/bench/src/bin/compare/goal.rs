//! Defines a goal, the bound for one quantity, and decides whether a run's rounds reach the bound.

use crate::readings::Readings;
use crate::stats::{self, Spread, three_digits};

/// A quartile of fewer rounds is hardly more than one of the rounds.
const LEAST_ROUNDS: usize = 5;

/// A bound for a quantity of fetchlet's, or for the ratio of that quantity to a competitor's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) quantity: &'static str,
    pub(crate) ours: &'static str,
    /// The competitor under the ratio; `None`: the goal is about our own figure.
    pub(crate) against: Option<&'static str>,
    more_is_better: bool,
    pub(crate) must: Option<f64>,
    pub(crate) aim: Option<f64>,
    /// The competitor takes part on request only.
    pub(crate) on_request: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Three quarters of the rounds reach the aim.
    AimMet,
    /// Three quarters of the rounds reach the bound that must be reached.
    Met,
    /// Rounds lie on both sides of the bound, or are too few.
    Unclear,
    /// Three quarters of the rounds do not reach the bound that must be reached.
    Missed,
    /// There is an aim only, and three quarters of the rounds do not reach it.
    AimMissed,
}

impl Verdict {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AimMet => "aim met",
            Self::Met => "met",
            Self::Unclear => "unclear",
            Self::Missed => "missed",
            Self::AimMissed => "aim missed",
        }
    }
}

impl Goal {
    pub(crate) const fn more(
        quantity: &'static str,
        ours: &'static str,
        theirs: &'static str,
    ) -> Self {
        let against = Some(theirs);
        let (must, aim, on_request) = (None, None, false);
        Self { quantity, ours, against, more_is_better: true, must, aim, on_request }
    }

    pub(crate) const fn less(
        quantity: &'static str,
        ours: &'static str,
        theirs: &'static str,
    ) -> Self {
        Self { more_is_better: false, ..Self::more(quantity, ours, theirs) }
    }

    pub(crate) const fn at_most(quantity: &'static str, ours: &'static str) -> Self {
        Self { against: None, ..Self::less(quantity, ours, "") }
    }

    pub(crate) const fn must(self, value: f64) -> Self {
        Self { must: Some(value), ..self }
    }

    pub(crate) const fn aim(self, value: f64) -> Self {
        Self { aim: Some(value), ..self }
    }

    /// Sets the goal against the build that `--against` names, which must not be better.
    pub(crate) const fn not_worse_than_before(self) -> Self {
        let (against, must) = (Some("fetchlet, before"), Some(1.0));
        Self { against, must, aim: None, on_request: true, ..self }
    }

    /// Returns the goal's figure for each round; `None` if one side was not read.
    pub(crate) fn values(&self, readings: &Readings) -> Option<Vec<f64>> {
        let ours = readings.of(self.quantity, self.ours)?;
        match self.against {
            None => Some(ours.to_vec()),
            Some(theirs) => Some(stats::ratios(ours, readings.of(self.quantity, theirs)?)),
        }
    }

    pub(crate) fn spread(&self, readings: &Readings) -> Option<Spread> {
        self.values(readings).map(|values| Spread::of(&values))
    }

    /// Judges the spread; `None` for a goal without a bound, whose figure is only reported.
    pub(crate) fn verdict(&self, spread: &Spread) -> Option<Verdict> {
        let bound = self.must.or(self.aim)?;
        if spread.rounds < LEAST_ROUNDS {
            return Some(Verdict::Unclear);
        }
        let (worst, best) = if self.more_is_better {
            (spread.lower, spread.upper)
        } else {
            (spread.upper, spread.lower)
        };
        Some(if self.aim.is_some_and(|aim| self.reaches(worst, aim)) {
            Verdict::AimMet
        } else if self.must.is_some_and(|must| self.reaches(worst, must)) {
            Verdict::Met
        } else if self.reaches(best, bound) {
            Verdict::Unclear
        } else if self.must.is_some() {
            Verdict::Missed
        } else {
            Verdict::AimMissed
        })
    }

    fn reaches(&self, value: f64, bound: f64) -> bool {
        if self.more_is_better { value >= bound } else { value <= bound }
    }

    /// Writes the bound with its sign, such as "≥ 1.2".
    pub(crate) fn wanted(&self, bound: Option<f64>) -> String {
        let sign = if self.more_is_better { "≥" } else { "≤" };
        bound.map(|it| format!("{sign} {}", three_digits(it))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(lower: f64, upper: f64) -> Spread {
        Spread { lower, median: f64::midpoint(lower, upper), upper, rounds: LEAST_ROUNDS }
    }

    #[test]
    fn a_verdict_needs_the_whole_spread_on_one_side_of_the_bound() {
        use Verdict::{AimMet, Met, Missed, Unclear};
        let more = Goal::more("q", "a", "b").must(2.0).aim(3.0);
        for (lower, upper, verdict) in [
            (1.0, 1.9, Missed),
            (1.0, 2.0, Unclear),
            (1.9, 9.0, Unclear),
            (2.0, 9.0, Met),
            (3.0, 9.0, AimMet),
        ] {
            assert_eq!(more.verdict(&spread(lower, upper)), Some(verdict), "{lower} {upper}");
        }
        let less = Goal::at_most("q", "a").must(3.0).aim(2.0);
        for (lower, upper, verdict) in [
            (3.1, 4.0, Missed),
            (3.0, 4.0, Unclear),
            (1.0, 3.1, Unclear),
            (1.0, 3.0, Met),
            (1.0, 2.0, AimMet),
        ] {
            assert_eq!(less.verdict(&spread(lower, upper)), Some(verdict), "{lower} {upper}");
        }
        for goal in [more, less] {
            assert_eq!(goal.verdict(&spread(f64::NAN, f64::NAN)), Some(Missed));
        }
    }

    #[test]
    fn an_aim_alone_is_met_missed_or_unclear() {
        let goal = Goal::more("q", "a", "b").aim(2.0);
        assert_eq!(goal.verdict(&spread(2.0, 3.0)), Some(Verdict::AimMet));
        assert_eq!(goal.verdict(&spread(1.0, 3.0)), Some(Verdict::Unclear));
        assert_eq!(goal.verdict(&spread(1.0, 1.5)), Some(Verdict::AimMissed));
        assert_eq!(Goal::more("q", "a", "b").verdict(&spread(1.0, 1.5)), None);
    }

    #[test]
    fn few_rounds_are_no_ground_for_a_verdict() {
        let few = Spread { rounds: LEAST_ROUNDS - 1, ..spread(9.0, 9.0) };
        assert_eq!(Goal::more("q", "a", "b").must(2.0).verdict(&few), Some(Verdict::Unclear));
    }

    #[test]
    fn a_figure_needs_both_sides() {
        let mut readings = Readings::default();
        readings.add("q", "a", 6.0);
        assert_eq!(Goal::more("q", "a", "b").values(&readings), None);
        assert_eq!(Goal::at_most("q", "a").values(&readings), Some(vec![6.0]));
        readings.add("q", "b", 3.0);
        assert_eq!(Goal::more("q", "a", "b").values(&readings), Some(vec![2.0]));
    }
}
