//! Starts atftpd. Its own client asks it, because the load does not speak UDP.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fetchlet_test_kit::{ChildProcess, PATIENCE};

use crate::files::TestFile;
use crate::result::Result;
use crate::setting::Setting;

/// A daemon that answers. Dropping this value kills it.
#[derive(Debug)]
pub(crate) struct Tftp {
    pub(crate) port: u16,
    _running: ChildProcess,
}

impl Tftp {
    /// Starts the daemon on a port that was free a moment ago, because atftpd can't say which port
    /// it got. If it does not answer there, it is started again, up to three times.
    pub(crate) fn start(
        setting: &Setting,
        file: &TestFile,
    ) -> Result<std::result::Result<Self, String>> {
        let program = match (setting.tools.get("atftpd"), setting.tools.get("atftp")) {
            (Ok(program), Ok(_)) => program,
            (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
        };
        for _ in 0..3 {
            let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let mut command = Command::new(program);
            command.args([
                "--daemon",
                "--no-fork",
                "--bind-address",
                "127.0.0.1",
                "--logfile",
                "-",
            ]);
            if rustix::process::geteuid().is_root() {
                command.args(["--user", "root", "--group", "root"]);
            }
            command.arg("--port").arg(port.to_string()).arg(setting.files.folder());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let running = ChildProcess::start(&mut command)?;
            if answers(port, file)? {
                return Ok(Ok(Self { port, _running: running }));
            }
        }
        Err("atftpd does not answer".into())
    }
}

/// Asks until an answer comes, and refuses that answer. The measured client must not be the first
/// to ask, because it waits long between two tries.
fn answers(port: u16, file: &TestFile) -> Result<bool> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    let request = [b"\0\x01", file.name.as_bytes(), b"\0octet\0"].concat();
    let started = Instant::now();
    while started.elapsed() < PATIENCE / 4 {
        socket.send_to(&request, (Ipv4Addr::LOCALHOST, port))?;
        if let Ok((_, from)) = socket.recv_from(&mut [0; 1024]) {
            socket.send_to(b"\0\x05\0\0enough\0", from)?;
            return Ok(true);
        }
    }
    Ok(false)
}
