//! Starts the programs that fetch the file over the link: `fetchlet`, curl, and a TFTP client with
//! and without a window, each from its own server.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use fetchlet_test_kit::{
    ChildProcess, Nginx, RunResult, ServeProcess, TempFolder, bare, built, installed, run_timed,
    until,
};

use crate::link::{Link, SERVER};

/// atftpd can't say which port it was given. No other program is in this network, so this port is
/// free.
const TFTP: u16 = 6969;

/// The longest time for atftpd to start: far more than it takes on a busy machine.
const START: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Downloader {
    /// `fetchlet get` from `fetchlet serve`
    Get,
    /// curl from nginx
    Curl,
    /// atftp from atftpd, blocks of 1468 bytes, one at a time
    Tftp,
    /// atftp from atftpd, blocks of 1468 bytes, a window of 16 blocks
    Tftp16,
}

impl Downloader {
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

    /// Names a program that this downloader needs and the machine lacks.
    pub(crate) fn lacks(self) -> Option<&'static str> {
        let needed: &[_] = match self {
            Self::Get => &[],
            Self::Curl => &["nginx", "curl"],
            Self::Tftp | Self::Tftp16 => &["atftpd", "atftp"],
        };
        needed.iter().find(|name| installed(name).is_err()).copied()
    }
}

/// How a download ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FetchResult {
    /// The file arrived whole, with the same bytes, after this time.
    Done(Duration),
    Late,
    Failed(String),
    Differs,
}

/// The servers at one end of a link, which all serve the same folder.
#[derive(Debug)]
pub(crate) struct Servers<'a> {
    link: &'a Link,
    ours: ServeProcess,
    nginx: Option<Nginx>,
    _atftpd: Option<ChildProcess>,
}

impl<'a> Servers<'a> {
    pub(crate) fn start(
        link: &'a Link,
        root: &Path,
        downloaders: &[Downloader],
    ) -> io::Result<Self> {
        let curl = downloaders.contains(&Downloader::Curl);
        let tftp = downloaders.iter().any(|one| one.is_tftp());
        link.server.run(|| {
            let ours = ServeProcess::at(SERVER, root, &["-q"])?;
            let nginx = curl.then(|| Nginx::start(SERVER, root, 1, 64, "")).transpose()?;
            let atftpd = tftp.then(|| atftpd(root)).transpose()?;
            Ok(Self { link, ours, nginx, _atftpd: atftpd })
        })
    }

    /// Fetches the file called `file`, whose bytes are `content`.
    pub(crate) fn fetch(
        &self,
        downloader: Downloader,
        content: &[u8],
        limit: Duration,
    ) -> io::Result<FetchResult> {
        let folder = TempFolder::new()?;
        let output = folder.path().join("got");
        let mut command = self.command(downloader, &output)?;
        command.current_dir(folder.path());
        Ok(match self.link.client.run(|| run_timed(&mut command, limit))? {
            RunResult::TimedOut => FetchResult::Late,
            RunResult::Failed(said) => {
                FetchResult::Failed(said.lines().next_back().unwrap_or("silently").into())
            }
            RunResult::Success(took) if fs::read(&output)? == content => FetchResult::Done(took),
            RunResult::Success(_) => FetchResult::Differs,
        })
    }

    fn command(&self, downloader: Downloader, output: &Path) -> io::Result<Command> {
        let command = match downloader {
            Downloader::Get => {
                let mut get = bare(built("fetchlet")?);
                let port = self.ours.addr().port().to_string();
                get.args(["get", &SERVER.to_string(), &port, "file", "-q", "-o"]).arg(output);
                get
            }
            Downloader::Curl => {
                let mut curl = bare(installed("curl")?);
                let nginx = self.nginx.as_ref().map_or(self.ours.addr(), Nginx::addr);
                curl.args(["-sS", &format!("http://{nginx}/file"), "-o"]).arg(output);
                curl
            }
            Downloader::Tftp | Downloader::Tftp16 => {
                let mut atftp = bare(installed("atftp")?);
                atftp.args(["--option", "blksize 1468"]);
                if downloader == Downloader::Tftp16 {
                    atftp.args(["--option", "windowsize 16"]);
                }
                atftp.args(["--get", "-r", "file", "-l"]).arg(output);
                atftp.args([SERVER.to_string(), TFTP.to_string()]);
                atftp
            }
        };
        Ok(command)
    }
}

fn atftpd(root: &Path) -> io::Result<ChildProcess> {
    let mut command = bare(installed("atftpd")?);
    let port = TFTP.to_string();
    command.args(["--daemon", "--no-fork", "--user", "root.root", "--verbose=0"]);
    command.args(["--port", &port, "--bind-address", &SERVER.to_string()]).arg(root);
    let atftpd = ChildProcess::start(command.stderr(Stdio::null()))?;
    let started = until(START, || {
        let sockets = fs::read_to_string("/proc/thread-self/net/udp").ok()?;
        sockets.contains(&socket(SERVER, TFTP)).then_some(())
    });
    started.map(|()| atftpd).ok_or_else(|| io::Error::other("atftpd does not start"))
}

/// Writes an address as `/proc/net/udp` does: in hexadecimal, in the machine's byte order.
fn socket(address: Ipv4Addr, port: u16) -> String {
    format!("{:08X}:{port:04X}", u32::from_ne_bytes(address.octets()))
}
