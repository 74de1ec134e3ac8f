//! The report as Markdown: goals first, then the medians of every measure.

use std::fmt::Write;

use fetchlet_test_kit::Table;

use crate::measures::{Goal, Verdict};
use crate::report::{Report, Section};
use crate::stats;

pub(crate) fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    write(&mut out, report).ok();
    out
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "`{}`\n", report.command)?;
    for (what, value) in &report.machine {
        writeln!(out, "* {what}: {value}")?;
    }
    writeln!(out, "* beside: {}", report.versions.join(" · "))?;
    writeln!(
        out,
        "* medians of {} rounds; a ratio is the median of those within a round\n",
        report.rounds
    )?;
    if report.quick {
        writeln!(out, "A quick run: that every measure works, not how fast anything is.\n")?;
    }
    let mut goals = Table::new(["measure", "of", "against", "figure", "must", "aim", ""]);
    for section in &report.sections {
        for goal in section.measure.goals {
            goals.push(goal_row(section, goal, report.quick));
        }
    }
    write!(out, "{goals}")?;
    report.sections.iter().try_for_each(|it| medians(out, it))
}

fn goal_row(section: &Section, goal: &Goal, quick: bool) -> [String; 7] {
    let found = goal.figure(&section.readings);
    let verdict = match (found, goal.must, goal.aim) {
        (None, ..) => "left out",
        (Some(_), None, None) => "",
        _ if quick => "",
        (Some(found), ..) => match goal.verdict(found) {
            Verdict::Aim => "aim met",
            Verdict::Met => "met",
            Verdict::Missed if goal.must.is_none() => "aim missed",
            Verdict::Missed => "**missed**",
        },
    };
    [
        format!("{}: {}", section.measure.name, goal.quantity),
        goal.ours.to_owned(),
        goal.against.unwrap_or_default().to_owned(),
        found.map(figure).unwrap_or_default(),
        goal.wanted(goal.must),
        goal.wanted(goal.aim),
        verdict.to_owned(),
    ]
}

fn medians(out: &mut String, section: &Section) -> std::fmt::Result {
    let Section { measure, readings, .. } = section;
    writeln!(out, "\n### {}: {}\n", measure.name, measure.about)?;
    let quantities = readings.quantities();
    let mut table = Table::new([""].into_iter().chain(quantities.iter().copied()));
    for peer in readings.peers() {
        let median = |quantity: &&str| {
            readings.of(quantity, peer).map(|it| figure(stats::median(it))).unwrap_or_default()
        };
        table.push([peer.to_owned()].into_iter().chain(quantities.iter().map(median)));
    }
    if !quantities.is_empty() {
        write!(out, "{table}")?;
    }
    writeln!(out, "\nOthers used {:.0} % of the machine meanwhile.", section.others * 100.0)?;
    for (peer, reason) in &readings.left_out {
        writeln!(out, "Left out: {peer} ({reason}).")?;
    }
    match &section.error {
        Some(error) => writeln!(out, "Failed: {error}."),
        None => Ok(()),
    }
}

/// Three digits that count, or all before the point.
pub(crate) fn figure(value: f64) -> String {
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
            assert_eq!(figure(value), text);
        }
    }
}
