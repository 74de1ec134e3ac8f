//! What most would write first, and what a file server of a course looks like: in Python, one client at
//! a time, the whole file in memory.

use std::process::Command;

use super::{Peer, Server, Started};
use crate::Result;
use crate::load::Protocol;
use crate::setting::Setting;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/compare/peers/naive.py");

pub(super) fn start(setting: &Setting) -> Result<Started> {
    let python = match setting.tools.get("python3") {
        Ok(python) => python,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut command = Command::new(python);
    command.args(["-B", SCRIPT]).arg(setting.files.folder());
    Ok(Ok(Server::announced(Peer::Naive, Protocol::Ours, &mut command)?))
}
