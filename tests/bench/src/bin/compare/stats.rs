//! Computes medians, quartiles, ratios and percentiles of readings.

/// The median and the quartiles of one value per round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// A quarter of the rounds has at most this value.
    pub(crate) lower: f64,
    pub(crate) median: f64,
    /// A quarter of the rounds has at least this value.
    pub(crate) upper: f64,
    /// How many values there are.
    pub(crate) rounds: usize,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Self {
        let [lower, median, upper] = [0.25, 0.5, 0.75].map(|share| quantile(values, share));
        Self { lower, median, upper, rounds: values.len() }
    }
}

/// Returns the median: the mean of the two middle values if their number is even, NaN if there is
/// none.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Returns the quantile at `share` (0 to 1), interpolated between the two nearest values. NaN if
/// there is no value.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = share * sorted.len().saturating_sub(1) as f64;
    let at = |rank: f64| sorted.get(rank as usize).copied().unwrap_or(f64::NAN);
    let (below, above) = (at(rank.floor()), at(rank.ceil()));
    below + (above - below) * rank.fract()
}

/// Returns the ratio within each round: a slow round slows both sides.
pub(crate) fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

/// Returns the smallest of the sorted values that at least `share` (0 to 1) of the values do not
/// exceed.
pub(crate) fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied()
}

/// Writes the value with three significant digits, or with all digits before the decimal point.
pub(crate) fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let before = value.abs().log10().floor() as i32;
    let decimals = usize::try_from(2 - before).unwrap_or_default();
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn half_of_the_rounds_lie_between_the_quartiles() {
        let spread = Spread::of(&[9.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!(spread, Spread { lower: 2.0, median: 3.0, upper: 4.0, rounds: 5 });
        let two = Spread::of(&[1.0, 2.0]);
        assert_eq!((two.lower, two.upper), (1.25, 1.75));
        let one = Spread::of(&[7.0]);
        assert_eq!((one.lower, one.median, one.upper), (7.0, 7.0, 7.0));
    }

    #[test]
    fn a_slow_round_does_not_change_the_ratio() {
        assert_eq!(ratios(&[10.0, 1.0, 12.0], &[5.0, 0.5, 6.0]), [2.0; 3]);
        assert!(median(&ratios(&[1.0], &[])).is_nan());
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&values, 0.99), Some(99));
        assert_eq!(percentile(&values, 0.5), Some(50));
        assert_eq!(percentile(&values, 1.0), Some(100));
        assert_eq!(percentile(&values[..3], 0.99), Some(3));
        assert_eq!(percentile::<u32>(&[], 0.5), None);
    }

    #[test]
    fn a_figure_has_three_digits_that_count() {
        for (value, text) in [
            (0.0, "0"),
            (0.000_25, "0.00025"),
            (0.066_666, "0.0667"),
            (1.0, "1"),
            (1.005_1, "1.01"),
            (27.64, "27.6"),
            (553_000.4, "553000"),
            (100.0, "100"),
        ] {
            assert_eq!(three_digits(value), text);
        }
    }
}
