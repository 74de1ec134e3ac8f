//! Measures TFTP, with which many devices download today, in lock step and with a window, by atftp
//! from atftpd.

use std::process::Command;

use super::get::{RATE, get, timed};
use super::measure::Measure;
use crate::competitors::{self, Competitor, tftp::Tftp};
use crate::goal::Goal;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

const LOCK_STEP: &str = "atftp, block 1468";
const WINDOW: &str = "atftp, block 1468, window 16";

pub(super) const TFTP: Measure = Measure {
    name: "tftp-64m",
    about: "a program that downloads 64 MiB to a file, beside TFTP",
    goals: &[
        Goal::more(RATE, "fetchlet", LOCK_STEP).must(20.0).aim(30.0),
        Goal::more(RATE, "fetchlet", WINDOW).must(5.0).aim(7.0),
    ],
    run,
};

fn run(setting: &Setting, readings: &mut Readings) -> Result<()> {
    let file = setting.large()?;
    let servers = competitors::start(&[Competitor::Fetchlet], setting, &file, readings)?;
    let server = servers.first().ok_or("no server")?;
    let tftp = match Tftp::start(setting, &file)? {
        Ok(tftp) => Some(tftp),
        Err(reason) => {
            readings.leave_out("atftp", &reason);
            None
        }
    };
    let mut names = vec!["fetchlet"];
    names.extend(tftp.iter().flat_map(|_| [LOCK_STEP, WINDOW]));
    setting.rounds(&names, |name| {
        let mut command = match &tftp {
            Some(tftp) if *name != "fetchlet" => {
                let mut command = Command::new(setting.tools.get("atftp")?);
                command.args(["--option", "blksize 1468"]);
                if *name == WINDOW {
                    command.args(["--option", "windowsize 16"]);
                }
                command.args(["--get", "--remote-file", &file.name, "--local-file"]);
                command.arg(setting.out()).arg("127.0.0.1").arg(tftp.port.to_string());
                command
            }
            _ => {
                let mut command = get(setting, server, &file);
                command.arg("--no-sync");
                command
            }
        };
        let elapsed = timed(&mut command, setting, &file)?;
        readings.add(RATE, name, file.len as f64 / 1e6 / elapsed.as_secs_f64());
        Ok(())
    })
}
