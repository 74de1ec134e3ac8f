//! Holds the readings of one measure: for each quantity and competitor, one value per round.

#[derive(Debug, Default)]
pub(crate) struct Readings {
    pub(crate) all: Vec<Reading>,
    /// The competitors that are left out, each with the reason.
    pub(crate) left_out: Vec<(&'static str, String)>,
}

#[derive(Debug)]
pub(crate) struct Reading {
    /// The quantity's name, with its unit.
    pub(crate) quantity: &'static str,
    pub(crate) competitor: &'static str,
    pub(crate) values: Vec<f64>,
}

impl Readings {
    pub(crate) fn add(&mut self, quantity: &'static str, competitor: &'static str, value: f64) {
        match self.all.iter_mut().find(|it| (it.quantity, it.competitor) == (quantity, competitor))
        {
            Some(reading) => reading.values.push(value),
            None => self.all.push(Reading { quantity, competitor, values: vec![value] }),
        }
    }

    pub(crate) fn leave_out(&mut self, competitor: &'static str, reason: &str) {
        self.left_out.push((competitor, reason.to_owned()));
    }

    pub(crate) fn of(&self, quantity: &str, competitor: &str) -> Option<&[f64]> {
        let found =
            self.all.iter().find(|it| (it.quantity, it.competitor) == (quantity, competitor));
        found.map(|it| it.values.as_slice())
    }

    pub(crate) fn quantities(&self) -> Vec<&'static str> {
        distinct(self.all.iter().map(|it| it.quantity))
    }

    pub(crate) fn competitors(&self) -> Vec<&'static str> {
        // Fetchlet's rows come first in every table; the others keep the order of their first turn.
        let mut competitors = distinct(self.all.iter().map(|it| it.competitor));
        competitors.sort_by_key(|competitor| !competitor.starts_with("fetchlet"));
        competitors
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}
