//! Defines what a measure is: a name, goals, and the function that takes the readings.

use crate::goal::Goal;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) goals: &'static [Goal],
    pub(crate) run: fn(&Setting, &mut Readings) -> Result<()>,
}
