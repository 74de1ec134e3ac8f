//! The figures of a run, each with its bound and whether the figure is within it.

use std::fmt::Display;

use fetchlet_test_kit::Table;
use serde_json::Value;

/// The longest that a client may wait for its answer beside what hangs, in milliseconds: less than
/// a person notices.
const LONGEST_WAIT: f64 = 100.0;

#[derive(Debug)]
pub(crate) struct SoakReport {
    table: Table,
    measure: &'static str,
    missed: usize,
}

impl SoakReport {
    pub(crate) fn new() -> Self {
        let table = Table::new(["measure", "figure", "value", "bound", "held"]);
        Self { table, measure: "", missed: 0 }
    }

    /// Makes all further figures part of this measure.
    pub(crate) fn begin(&mut self, measure: &'static str) {
        self.measure = measure;
    }

    /// Adds a figure without a bound.
    pub(crate) fn tell(&mut self, figure: &str, value: impl Display) {
        self.push(figure, value.to_string(), String::new(), None);
    }

    pub(crate) fn at_most(&mut self, figure: &str, value: f64, unit: &str, bound: f64) {
        let held = value <= bound;
        self.push(figure, number(value, unit), format!("<= {}", number(bound, unit)), Some(held));
    }

    /// Adds the longest that a client waited beside what hangs, in milliseconds. A program that is
    /// not optimized may take that long though nothing hangs: there the bound is for what is added
    /// to `unhung`, the longest wait in the same run before.
    pub(crate) fn longest_wait(&mut self, figure: &str, waited: f64, unhung: f64) {
        self.tell(&format!("{figure}, before it hangs"), number(unhung, "ms"));
        let before = if cfg!(debug_assertions) { unhung } else { 0.0 };
        self.at_most(figure, waited, "ms", LONGEST_WAIT + before);
    }

    pub(crate) fn at_least(&mut self, figure: &str, value: f64, unit: &str, bound: f64) {
        let held = value >= bound;
        self.push(figure, number(value, unit), format!(">= {}", number(bound, unit)), Some(held));
    }

    pub(crate) fn exactly(&mut self, figure: &str, value: u64, bound: u64) {
        self.push(figure, value.to_string(), format!("= {bound}"), Some(value == bound));
    }

    fn push(&mut self, figure: &str, value: String, bound: String, held: Option<bool>) {
        let told = match held {
            None => "",
            Some(true) => "yes",
            Some(false) => "NO",
        };
        self.missed += usize::from(held == Some(false));
        eprintln!("{}: {figure}: {value} {bound} {told}", self.measure);
        self.table.push([self.measure, figure, &value, &bound, told]);
    }

    pub(crate) const fn missed(&self) -> usize {
        self.missed
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn json(&self) -> Value {
        self.table.json()
    }
}

fn number(value: f64, unit: &str) -> String {
    let digits = if value.fract() == 0.0 { 0 } else { 2 };
    format!("{value:.digits$} {unit}").trim_end().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_counted_and_what_is_at_one_is_not() {
        let mut report = SoakReport::new();
        report.begin("idle");
        report.tell("nothing", "at all");
        report.at_most("ms", 100.0, "ms", 100.0);
        report.at_least("ratio", 0.8, "", 0.8);
        report.exactly("held", 3, 3);
        assert_eq!(report.missed(), 0);
        report.at_most("ms", 100.01, "ms", 100.0);
        report.at_least("ratio", f64::NAN, "", 0.8);
        report.exactly("held", 2, 3);
        assert_eq!(report.missed(), 3);
        assert_eq!(report.json()[6]["held"], "NO");
    }
}
