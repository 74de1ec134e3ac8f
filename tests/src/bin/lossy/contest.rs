//! Who fetches the file over the link: our program, curl, and a TFTP client lock-step and windowed,
//! each from its own server.

use std::fs;
use std::io::{self, Read as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use fetchlet_tests::{Killed, Nginx, Program, find, program, until};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::link::{Link, SERVER};

/// Nobody else is in this network: the port is not taken.
const TFTP: u16 = 6969;

const START: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contestant {
    /// `fetchlet get` from `fetchlet serve`
    Get,
    /// curl from nginx
    Curl,
    /// atftp from atftpd, blocks of 1468 bytes, one at a time
    Tftp,
    /// The same with a window of 16 blocks
    Tftp16,
}

impl Contestant {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "fetchlet get",
            Self::Curl => "curl, nginx",
            Self::Tftp => "tftp",
            Self::Tftp16 => "tftp, window 16",
        }
    }

    pub(crate) const fn is_tftp(self) -> bool {
        matches!(self, Self::Tftp | Self::Tftp16)
    }

    /// What is missing here; without it this one is left out.
    pub(crate) fn lacks(self) -> Option<&'static str> {
        let needed: &[_] = match self {
            Self::Get => &[],
            Self::Curl => &["nginx", "curl"],
            Self::Tftp | Self::Tftp16 => &["atftpd", "atftp"],
        };
        needed.iter().find(|name| program(name).is_none()).copied()
    }
}

/// How a download went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Whole, and the same bytes.
    Done(Duration),
    Late,
    Failed(String),
    Differs,
}

/// The servers of one link, all of the same folder.
#[derive(Debug)]
pub(crate) struct Servers<'a> {
    link: &'a Link,
    ours: Program,
    nginx: Option<Nginx>,
    _atftpd: Option<Killed>,
}

impl<'a> Servers<'a> {
    pub(crate) fn start(
        link: &'a Link,
        root: &Path,
        contestants: &[Contestant],
    ) -> io::Result<Self> {
        let curl = contestants.contains(&Contestant::Curl);
        let tftp = contestants.iter().any(|one| one.is_tftp());
        link.server.run(|| {
            let ours = Program::at(SERVER, root, &["-q"])?;
            let nginx = curl.then(|| Nginx::start(SERVER, root, 1, 64)).transpose()?;
            let atftpd = tftp.then(|| atftpd(root)).transpose()?;
            Ok(Self { link, ours, nginx, _atftpd: atftpd })
        })
    }

    /// Fetches the file called `file`, whose bytes are `content`.
    pub(crate) fn fetch(
        &self,
        contestant: Contestant,
        content: &[u8],
        limit: Duration,
    ) -> io::Result<Outcome> {
        let folder = tempfile::tempdir()?;
        let output = folder.path().join("got");
        let mut command = self.command(contestant, &output)?;
        command.current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::piped());
        let (status, took, said) = self.link.client.run(|| timed(&mut command, limit))?;
        let outcome = match status {
            None => Outcome::Late,
            Some(false) => Outcome::Failed(said),
            Some(true) if fs::read(&output)? == content => Outcome::Done(took),
            Some(true) => Outcome::Differs,
        };
        Ok(outcome)
    }

    fn command(&self, contestant: Contestant, output: &Path) -> io::Result<Command> {
        let mut command = match contestant {
            Contestant::Get => {
                let mut get = Command::new(find("fetchlet")?);
                let port = self.ours.address().port().to_string();
                get.args(["get", &SERVER.to_string(), &port, "file", "-q", "-o"]).arg(output);
                get
            }
            Contestant::Curl => {
                let mut curl = installed("curl")?;
                let nginx = self.nginx.as_ref().map_or(self.ours.address(), Nginx::address);
                curl.args(["-sS", &format!("http://{nginx}/file"), "-o"]).arg(output);
                curl
            }
            Contestant::Tftp | Contestant::Tftp16 => {
                let mut atftp = installed("atftp")?;
                atftp.args(["--option", "blksize 1468"]);
                if contestant == Contestant::Tftp16 {
                    atftp.args(["--option", "windowsize 16"]);
                }
                atftp.args(["--get", "-r", "file", "-l"]).arg(output);
                atftp.args([SERVER.to_string(), TFTP.to_string()]);
                atftp
            }
        };
        command.env_clear();
        Ok(command)
    }
}

/// Runs it for at most `limit`: whether it succeeded, after how long, and what it said.
fn timed(command: &mut Command, limit: Duration) -> io::Result<(Option<bool>, Duration, String)> {
    let start = Instant::now();
    let mut process = Killed::spawn(command)?;
    let number = Pid::from_child(process.child());
    let ends = pidfd_open(number, PidfdFlags::empty())?;
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    let ended = poll(&mut [PollFd::new(&ends, PollFlags::IN)], Some(&limit))? > 0;
    let took = start.elapsed();
    if !ended {
        return Ok((None, took, String::new()));
    }
    let success = process.child().wait()?.success();
    let mut said = String::new();
    if let Some(mut stderr) = process.child().stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    Ok((Some(success), took, said.lines().next_back().unwrap_or("silently").into()))
}

fn atftpd(root: &Path) -> io::Result<Killed> {
    let mut command = installed("atftpd")?;
    let port = TFTP.to_string();
    command.args(["--daemon", "--no-fork", "--user", "root.root", "--verbose=0"]);
    command.args(["--port", &port, "--bind-address", &SERVER.to_string()]).arg(root);
    let atftpd = Killed::spawn(command.stderr(Stdio::null()))?;
    let started = until(START, || {
        let sockets = fs::read_to_string("/proc/thread-self/net/udp").ok()?;
        sockets.contains(&socket(SERVER, TFTP)).then_some(())
    });
    started.map(|()| atftpd).ok_or_else(|| io::Error::other("atftpd does not start"))
}

/// As `/proc/net/udp` has it: the address as the machine stores it, in hexadecimal.
fn socket(address: Ipv4Addr, port: u16) -> String {
    format!("{:08X}:{port:04X}", u32::from_ne_bytes(address.octets()))
}

fn installed(name: &str) -> io::Result<Command> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is not installed"));
    program(name).map(Command::new).ok_or_else(missing)
}
