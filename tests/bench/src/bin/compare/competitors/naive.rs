//! The file server that most people would write first, as courses show it: in Python, one client at
//! a time, the whole file in memory.

use std::process::Command;

use super::server::{Competitor, CompetitorServer, Started};
use crate::load::Protocol;
use crate::result::Result;
use crate::setting::Setting;

/// The script is part of the program, so that a copied program needs no other file.
const SCRIPT: &str = include_str!("naive.py");

pub(super) fn start(setting: &Setting) -> Result<Started> {
    let python = match setting.tools.get("python3") {
        Ok(python) => python,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut command = Command::new(python);
    command.args(["-B", "-c", SCRIPT]).arg(setting.files.folder());
    Ok(Ok(CompetitorServer::announced(Competitor::Naive, Protocol::Ours, &mut command)?))
}
