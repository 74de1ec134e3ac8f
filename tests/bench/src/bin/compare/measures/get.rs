//! Measures whole processes that download to a file: `fetchlet get`, and curl from nginx. Neither
//! side syncs the file, except in the row that says so.

use std::fs;
use std::process::Command;
use std::time::Duration;

use fetchlet_test_kit::{RunResult, run_timed};

use super::measure::Measure;
use crate::competitors::{self, Competitor, CompetitorServer};
use crate::files::TestFile;
use crate::goal::Goal;
use crate::readings::Readings;
use crate::result::Result;
use crate::setting::Setting;

pub(super) const RATE: &str = "MB/s";
const EACH: &str = "downloads/s";
/// The longest time for a download: far more than 1 GiB takes on any machine here.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

const FASTER: &[Goal] = &[
    Goal::more(RATE, "fetchlet", "curl").must(1.4).aim(1.8),
    Goal::more(RATE, "fetchlet, with sync", "curl"),
    Goal::more(RATE, "fetchlet, bbr", "curl, bbr"),
    Goal::more(RATE, "fetchlet", "").not_worse_than_before(),
];

pub(super) const LARGE: Measure = Measure {
    name: "get-64m",
    about: "a program that downloads 64 MiB to a file",
    goals: FASTER,
    run: |setting, readings| downloads(PLAIN, &setting.large()?, 1, setting, readings),
};

pub(super) const HUGE: Measure = Measure {
    name: "get-1g",
    about: "a program that downloads 1 GiB to a file",
    goals: FASTER,
    run: |setting, readings| downloads(PLAIN, &setting.huge()?, 1, setting, readings),
};

pub(super) const CHECKED: Measure = Measure {
    name: "get-sha256",
    about: "the same for 64 MiB, with its SHA-256 verified",
    goals: &[Goal::more(RATE, "fetchlet --checksum", "curl && sha256sum").must(3.0).aim(4.0)],
    run: |setting, readings| {
        if let Err(reason) = setting.tools.get("sha256sum") {
            readings.leave_out("all", &reason);
            return Ok(());
        }
        let ways = &[Way::Checked, Way::CurlChecked];
        downloads(ways, &setting.large()?, 1, setting, readings)
    },
};

pub(super) const SMALL: Measure = Measure {
    name: "get-1k",
    about: "a program that downloads 1 KiB to a file",
    goals: &[
        Goal::more(EACH, "fetchlet", "curl").must(5.0).aim(7.0),
        Goal::more(EACH, "fetchlet", "").not_worse_than_before(),
    ],
    run: |setting, readings| {
        let times = setting.sizes.processes;
        downloads(
            &[Way::Fetchlet, Way::Before, Way::Curl],
            &setting.small()?,
            times,
            setting,
            readings,
        )
    },
};

/// The ways of the measures without a checksum.
const PLAIN: &[Way] = &[Way::Fetchlet, Way::Synced, Way::Before, Way::Curl, Way::Bbr, Way::CurlBbr];

/// How a file is downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Fetchlet,
    /// By the build that `--against` names, from that build's server.
    Before,
    /// By `fetchlet get`, while new connections get BBR.
    Bbr,
    /// With the default of syncing the file before the rename.
    Synced,
    Checked,
    Curl,
    CurlBbr,
    CurlChecked,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Fetchlet => "fetchlet",
            Self::Before => "fetchlet, before",
            Self::Bbr => "fetchlet, bbr",
            Self::Synced => "fetchlet, with sync",
            Self::Checked => "fetchlet --checksum",
            Self::Curl => "curl",
            Self::CurlBbr => "curl, bbr",
            Self::CurlChecked => "curl && sha256sum",
        }
    }

    const fn server(self) -> Competitor {
        match self {
            Self::Before => Competitor::Before,
            Self::Bbr => Competitor::FetchletBbr,
            Self::CurlBbr => Competitor::NginxBbr,
            Self::Fetchlet | Self::Synced | Self::Checked => Competitor::Fetchlet,
            Self::Curl | Self::CurlChecked => Competitor::Nginx,
        }
    }

    /// Returns the whole command, or the reason why there is none.
    fn command(
        self,
        setting: &Setting,
        server: &CompetitorServer,
        file: &TestFile,
        digest: &str,
    ) -> std::result::Result<Command, String> {
        let mut command = match self {
            Self::Curl | Self::CurlBbr => Command::new(setting.tools.get("curl")?),
            Self::CurlChecked => {
                let script = r#""$1" -s -o "$3" "$4" && echo "$5  $3" | "$2" --check --status"#;
                let mut command = Command::new("sh");
                command.args(["-c", script, "sh"]).arg(setting.tools.get("curl")?);
                command.arg(setting.tools.get("sha256sum")?);
                command
            }
            _ => return Ok(self.get(setting, server, file, digest)),
        };
        if self != Self::CurlChecked {
            command.args(["-s", "-o"]);
        }
        command.arg(setting.out()).arg(format!("http://{}/{}", server.addr, file.name));
        if self == Self::CurlChecked {
            command.arg(digest);
        }
        Ok(command)
    }

    fn get(
        self,
        setting: &Setting,
        server: &CompetitorServer,
        file: &TestFile,
        digest: &str,
    ) -> Command {
        let mut command = get(setting, server, file);
        if self != Self::Synced {
            command.arg("--no-sync");
        }
        if self == Self::Checked {
            command.arg(format!("--checksum=sha256:{digest}"));
        }
        command
    }
}

/// Returns the command `fetchlet get`, which writes to the setting's output path.
pub(super) fn get(setting: &Setting, server: &CompetitorServer, file: &TestFile) -> Command {
    let mut command = setting.fetchlet(server.competitor == Competitor::Before);
    command.args(["get", "-q", "-f", "-o"]).arg(setting.out());
    command.arg(server.addr.ip().to_string()).arg(server.addr.port().to_string()).arg(&file.name);
    command
}

/// Gives each way one turn per round, of `times` downloads in a row, because one alone may be too
/// short to be timed.
fn downloads(
    ways: &[Way],
    file: &TestFile,
    times: u32,
    setting: &Setting,
    readings: &mut Readings,
) -> Result<()> {
    let mut competitors: Vec<Competitor> = ways.iter().map(|it| it.server()).collect();
    competitors.dedup();
    let servers = competitors::start(&competitors, setting, file, readings)?;
    let digest = if ways.contains(&Way::Checked) { digest(setting, file)? } else { String::new() };
    let mut ready = Vec::new();
    for way in ways {
        if way.server() == Competitor::Before && setting.before.is_none() {
            continue;
        }
        let Some(server) = servers.iter().find(|it| it.competitor == way.server()) else {
            readings.leave_out(way.name(), "its server is left out");
            continue;
        };
        match way.command(setting, server, file, &digest) {
            Ok(_) => ready.push((*way, server)),
            Err(reason) => readings.leave_out(way.name(), &reason),
        }
    }
    setting.rounds(&ready, |(way, server)| {
        let mut elapsed = Duration::ZERO;
        for _ in 0..times {
            let mut command = way.command(setting, server, file, &digest)?;
            elapsed += server.under(|| timed(&mut command, setting, file))?;
        }
        let each = elapsed.as_secs_f64() / f64::from(times);
        readings.add(RATE, way.name(), file.len as f64 / 1e6 / each);
        readings.add(EACH, way.name(), 1.0 / each);
        Ok(())
    })
}

/// Returns how long the command takes to make the file, which is then compared and removed.
pub(super) fn timed(command: &mut Command, setting: &Setting, file: &TestFile) -> Result<Duration> {
    let out = setting.out();
    let elapsed = match run_timed(command, LIMIT)? {
        RunResult::Success(elapsed) => elapsed,
        RunResult::Failed(said) => {
            return Err(format!("{:?} failed: {said}", command.get_program()).into());
        }
        RunResult::TimedOut => return Err(format!("not done after {LIMIT:?}").into()),
    };
    file.check_copy(&out)?;
    fs::remove_file(&out)?;
    Ok(elapsed)
}

/// Computes the file's SHA-256 by `sha256sum`, in hexadecimal.
fn digest(setting: &Setting, file: &TestFile) -> Result<String> {
    let output = Command::new(setting.tools.get("sha256sum")?).arg(&file.path).output()?;
    let said = String::from_utf8(output.stdout)?;
    Ok(said.split_ascii_whitespace().next().ok_or("sha256sum says nothing")?.to_owned())
}
