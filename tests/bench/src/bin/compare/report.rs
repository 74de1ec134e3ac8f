//! Collects what a run has measured, and finds faults in the readings.

use serde_json::{Value, json};

use crate::args::Args;
use crate::goal::Verdict;
use crate::machine;
use crate::measures::Measure;
use crate::readings::Readings;
use crate::setting::Setting;
use crate::stats;

#[derive(Debug)]
pub(crate) struct ComparisonReport {
    /// The sizes were small, so that the figures say nothing about speed.
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) command: String,
    pub(crate) machine: Vec<(&'static str, String)>,
    /// The congestion control of the servers and clients.
    pub(crate) congestion: String,
    /// Whether verdicts are given: the sizes are those of the bounds, and the network is the run's
    /// own.
    pub(crate) judges: bool,
    pub(crate) versions: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

/// What one measure has read.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) measure: &'static Measure,
    pub(crate) readings: Readings,
    pub(crate) error: Option<String>,
    /// The share of the machine's CPU time that other programs used during the measure, from 0 to
    /// 1.
    pub(crate) others: f64,
}

impl Section {
    pub(crate) fn run(measure: &'static Measure, setting: &Setting) -> Self {
        let mut readings = Readings::default();
        let error = (measure.run)(setting, &mut readings).err().map(|error| error.to_string());
        readings.left_out.dedup();
        Self { measure, readings, error, others: 0.0 }
    }

    pub(crate) fn beside(self, others: f64) -> Self {
        Self { others, ..self }
    }

    /// Returns what did not work: an error, a goal without its figure, or a reading that is no
    /// number.
    fn faults(&self) -> Vec<String> {
        let name = self.measure.name;
        let mut faults: Vec<String> =
            self.error.iter().map(|error| format!("{name}: {error}")).collect();
        for reading in &self.readings.all {
            if reading.values.iter().any(|it| !it.is_finite() || *it < 0.0) {
                faults.push(format!(
                    "{name}: {} of {} is no figure",
                    reading.quantity, reading.competitor
                ));
            }
        }
        let nobody_is_missing = self.readings.left_out.is_empty() && self.error.is_none();
        for goal in self.measure.goals {
            if nobody_is_missing && !goal.on_request && goal.values(&self.readings).is_none() {
                faults.push(format!("{name}: {} of {} was not read", goal.quantity, goal.ours));
            }
        }
        faults
    }
}

impl ComparisonReport {
    pub(crate) fn new(args: &Args, setting: &Setting) -> Self {
        Self {
            quick: args.quick,
            rounds: setting.rounds,
            command: machine::command(),
            machine: machine::describe(),
            congestion: setting.congestion.describe(),
            judges: !args.quick && setting.congestion.shared.is_none(),
            versions: setting.tools.versions(),
            sections: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.sections.iter().flat_map(Section::faults).collect()
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "quick": self.quick,
            "rounds": self.rounds,
            "command": self.command,
            "machine": self.machine.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "congestion": self.congestion,
            "versions": self.versions,
            "measures": self.sections.iter().map(|it| section(it, self.judges)).collect::<Vec<_>>(),
        })
    }
}

fn section(section: &Section, judges: bool) -> Value {
    let readings = section.readings.all.iter().map(|it| {
        json!({
            "quantity": it.quantity,
            "competitor": it.competitor,
            "median": stats::median(&it.values),
            "rounds": it.values,
        })
    });
    let goals = section.measure.goals.iter().map(|goal| {
        let values = goal.values(&section.readings);
        let spread = goal.spread(&section.readings);
        let verdict = spread.and_then(|it| goal.verdict(&it)).filter(|_| judges);
        json!({
            "quantity": goal.quantity,
            "ours": goal.ours,
            "against": goal.against,
            "figure": spread.map(|it| it.median),
            "lower_quartile": spread.map(|it| it.lower),
            "upper_quartile": spread.map(|it| it.upper),
            "rounds": values,
            "must": goal.must,
            "aim": goal.aim,
            "verdict": verdict.map(Verdict::name),
        })
    });
    json!({
        "name": section.measure.name,
        "about": section.measure.about,
        "others": section.others,
        "error": section.error,
        "left_out": section.readings.left_out,
        "goals": goals.collect::<Vec<_>>(),
        "readings": readings.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::ALL;

    fn empty() -> Section {
        let (readings, error, others) = (Readings::default(), None, 0.0);
        Section { measure: &ALL[0], readings, error, others }
    }

    #[test]
    fn a_measure_that_read_nothing_is_a_fault_unless_it_says_why() {
        assert!(!empty().faults().is_empty());
        let mut section = empty();
        section.readings.leave_out("nginx", "nginx is not installed");
        assert!(section.faults().is_empty());
        section.error = Some("broken".to_owned());
        assert_eq!(section.faults(), [format!("{}: broken", ALL[0].name)]);
    }

    #[test]
    fn a_reading_that_is_no_number_is_a_fault() {
        let mut section = empty();
        section.readings.leave_out("nginx", "");
        section.readings.add("q", "a", f64::NAN);
        assert_eq!(section.faults().len(), 1);
    }
}
