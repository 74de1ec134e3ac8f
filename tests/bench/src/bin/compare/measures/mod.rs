//! Lists the measures. Each file defines one: its competitors, its readings and its goals.

mod big;
mod cold;
mod get;
mod growth;
mod idle;
mod measure;
mod medium;
mod slow;
mod small;
mod syscalls;
mod tftp;

pub(crate) use measure::Measure;

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
