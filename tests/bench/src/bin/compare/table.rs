//! Writes the report as Markdown: the goals, then the medians of every measure.

use std::fmt::Write;

use fetchlet_test_kit::Table;

use crate::goal::{Goal, Verdict};
use crate::report::{ComparisonReport, Section};
use crate::stats::{self, Spread, three_digits};

pub(crate) fn markdown(report: &ComparisonReport) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    write(&mut out, report).ok();
    out
}

fn write(out: &mut String, report: &ComparisonReport) -> std::fmt::Result {
    writeln!(out, "`{}`\n", report.command)?;
    for (what, value) in &report.machine {
        writeln!(out, "* {what}: {value}")?;
    }
    writeln!(out, "* congestion control: {}", report.congestion)?;
    writeln!(out, "* beside: {}", report.versions.join(" · "))?;
    writeln!(
        out,
        "* medians of {} rounds; a ratio is the median of those within a round, its spread from the \
         lower to the upper quartile; a verdict only where the whole spread allows one\n",
        report.rounds
    )?;
    if report.quick {
        writeln!(out, "A quick run: that every measure works, not how fast anything is.\n")?;
    }
    let headings = ["measure", "of", "against", "figure", "spread", "must", "aim", ""];
    let mut goals = Table::new(headings);
    for section in &report.sections {
        for goal in section.measure.goals {
            let spread = goal.spread(&section.readings);
            if spread.is_some() || !goal.on_request {
                goals.push(goal_row(section.measure.name, goal, spread, report.judges));
            }
        }
    }
    write!(out, "{goals}")?;
    report.sections.iter().try_for_each(|it| medians(out, it))
}

fn goal_row(measure: &str, goal: &Goal, spread: Option<Spread>, judges: bool) -> [String; 8] {
    let verdict = match spread.map(|it| goal.verdict(&it)) {
        None => "left out".to_owned(),
        Some(Some(Verdict::Missed)) if judges => format!("**{}**", Verdict::Missed.name()),
        Some(Some(verdict)) if judges => verdict.name().to_owned(),
        Some(_) => String::new(),
    };
    let quartiles =
        |it: Spread| format!("{} to {}", three_digits(it.lower), three_digits(it.upper));
    [
        format!("{measure}: {}", goal.quantity),
        goal.ours.to_owned(),
        goal.against.unwrap_or_default().to_owned(),
        spread.map(|it| three_digits(it.median)).unwrap_or_default(),
        spread.filter(|it| it.rounds > 1).map(quartiles).unwrap_or_default(),
        goal.wanted(goal.must),
        goal.wanted(goal.aim),
        verdict,
    ]
}

fn medians(out: &mut String, section: &Section) -> std::fmt::Result {
    let Section { measure, readings, .. } = section;
    writeln!(out, "\n### {}: {}\n", measure.name, measure.about)?;
    let quantities = readings.quantities();
    let mut table = Table::new([""].into_iter().chain(quantities.iter().copied()));
    for competitor in readings.competitors() {
        let median = |quantity: &&str| {
            readings
                .of(quantity, competitor)
                .map(|it| three_digits(stats::median(it)))
                .unwrap_or_default()
        };
        table.push([competitor.to_owned()].into_iter().chain(quantities.iter().map(median)));
    }
    if !quantities.is_empty() {
        write!(out, "{table}")?;
    }
    writeln!(out, "\nOthers used {:.0} % of the machine meanwhile.", section.others * 100.0)?;
    for (competitor, reason) in &readings.left_out {
        writeln!(out, "Left out: {competitor} ({reason}).")?;
    }
    match &section.error {
        Some(error) => writeln!(out, "Failed: {error}."),
        None => Ok(()),
    }
}
