//! Namespaces: what a test changes there, nobody else sees.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fetchlet_test_kit::{PATIENCE, skip, until};

/// Namespaces that last as long as this value.
pub(crate) struct Namespace {
    /// Stays in them, and ends with its stdin.
    keeper: Child,
    /// Which namespaces, as options of `unshare` and `nsenter`.
    kinds: &'static [&'static str],
}

impl Namespace {
    /// A network with `lo` alone, which has 127.0.0.1, ::1 and the link-local address fe80::1.
    pub(crate) fn network(test: &str) -> Option<Self> {
        let this = Self::new(test, &["--user", "--net"], "ip link set lo up")?;
        this.add_address("fe80::1 dev lo nodad");
        Some(this)
    }

    /// The system's mounts, but for an empty `/srv`.
    pub(crate) fn mounts(test: &str) -> Option<Self> {
        // Shared, as systemd makes them.
        let setup = "mount -t tmpfs tmpfs /srv; mount --make-rshared /";
        Self::new(test, &["--user", "--mount"], setup)
    }

    /// `None`: refused here. With `CI=true` that fails the test.
    fn new(test: &str, kinds: &'static [&'static str], setup: &str) -> Option<Self> {
        let script = format!("PATH=$PATH:/usr/sbin:/sbin; {setup}; echo up; exec cat");
        let mut unshare = Command::new("unshare");
        unshare.args(kinds).args(["--map-root-user", "sh", "-ec", &script]);
        unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = match unshare.spawn() {
            Ok(keeper) => keeper,
            Err(error) => {
                skip(test, &format!("unshare: {error}"));
                return None;
            }
        };
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut this = Self { keeper, kinds };
        if line == "up\n" {
            return Some(this);
        }
        let mut said = String::new();
        this.keeper.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        skip(test, &said);
        None
    }

    /// A command in there, with an empty environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        command.args(["--target", &self.keeper.id().to_string(), "--preserve-credentials"]);
        command.args(self.kinds).arg(program).stdin(Stdio::null());
        command
    }

    /// Runs a shell's script in there to its end.
    pub(crate) fn sh(&self, script: &str) {
        let output = self.command("sh").args(["-ec", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
    }

    /// Adds an address, given as to `ip addr add`, and waits until it can be connected to: the
    /// kernel makes the route of an IPv6 address in a thread of its own.
    pub(crate) fn add_address(&self, address: &str) {
        self.sh(&format!("ip addr add {address}"));
        let ip = address.split(' ').next().unwrap();
        let routes = "ip route show table local; ip -6 route show table local";
        let has_route = || {
            let output = self.command("sh").args(["-ec", routes]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().split_whitespace().any(|it| it == ip)
        };
        until(PATIENCE, || has_route().then_some(())).expect("a route to the address");
    }

    /// The path by which a process outside reaches an absolute path of there.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        format!("/proc/{}/root{path}", self.keeper.id()).into()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.keeper.kill().ok();
        self.keeper.wait().ok();
    }
}
