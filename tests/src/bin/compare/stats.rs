//! The middle of several readings, and of the ratios of pairs.

/// The median; of an even number, the mean of the two in the middle. NaN of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.get(half) {
        None => f64::NAN,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => {
            sorted.get(half.wrapping_sub(1)).map_or(*upper, |lower| (lower + upper) / 2.0)
        }
    }
}

/// The median of the ratios within each round: what slows a whole round down weighs on both sides.
pub(crate) fn paired_ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    median(&ratios)
}

/// The value that so large a share of the sorted values does not exceed.
pub(crate) fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied()
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
    fn a_slow_round_does_not_change_the_ratio() {
        assert_eq!(paired_ratio(&[10.0, 1.0, 12.0], &[5.0, 0.5, 6.0]), 2.0);
        assert!(paired_ratio(&[1.0], &[]).is_nan());
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
}
