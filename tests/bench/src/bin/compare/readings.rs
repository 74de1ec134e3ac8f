//! What one measure has read: for each quantity and peer, a value per round.

#[derive(Debug, Default)]
pub(crate) struct Readings {
    pub(crate) all: Vec<Reading>,
    /// Who is left out, and why.
    pub(crate) left_out: Vec<(&'static str, String)>,
}

#[derive(Debug)]
pub(crate) struct Reading {
    /// Its unit is part of the name.
    pub(crate) quantity: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) values: Vec<f64>,
}

impl Readings {
    pub(crate) fn add(&mut self, quantity: &'static str, peer: &'static str, value: f64) {
        match self.all.iter_mut().find(|it| (it.quantity, it.peer) == (quantity, peer)) {
            Some(reading) => reading.values.push(value),
            None => self.all.push(Reading { quantity, peer, values: vec![value] }),
        }
    }

    pub(crate) fn leave_out(&mut self, peer: &'static str, reason: &str) {
        self.left_out.push((peer, reason.to_owned()));
    }

    pub(crate) fn of(&self, quantity: &str, peer: &str) -> Option<&[f64]> {
        let found = self.all.iter().find(|it| (it.quantity, it.peer) == (quantity, peer));
        found.map(|it| it.values.as_slice())
    }

    pub(crate) fn quantities(&self) -> Vec<&'static str> {
        distinct(self.all.iter().map(|it| it.quantity))
    }

    pub(crate) fn peers(&self) -> Vec<&'static str> {
        // In whichever order they had their first turn, the same in every table.
        let mut peers = distinct(self.all.iter().map(|it| it.peer));
        peers.sort_by_key(|peer| !peer.starts_with("fetchlet"));
        peers
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
