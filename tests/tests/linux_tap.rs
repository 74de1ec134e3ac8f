//! The built program `linux_tap`, on a TAP that it makes itself and on one that exists. All of it
//! is in namespaces that end with these tests.
//!
//! Where user namespaces or `/dev/net/tun` are refused, the tests report that they are skipped;
//! with `CI=true` they fail.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fetchlet_test_kit::{
    ChildProcess, LIMIT, PATIENCE, built, entries, output, random_bytes, skip, within,
};
use tempfile::TempDir;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the TAPs of this machine. No test may add one.
fn taps() -> Vec<PathBuf> {
    let mut all = entries("/sys/class/net");
    all.retain(|path| path.join("tun_flags").exists());
    all
}

/// Runs the program in a network namespace that the program makes. Returns `None` and reports the
/// test as skipped where the system refuses that.
fn alone(arguments: &[&str]) -> Option<Output> {
    let temporary = TempDir::new().unwrap();
    let interfaces = taps();
    let mut program = Command::new(built("linux_tap").unwrap());
    let output = output(program.args(arguments).env("TMPDIR", temporary.path()));
    assert_eq!(entries(temporary.path()), [""; 0].map(PathBuf::from), "files are left behind");
    assert_eq!(taps(), interfaces, "interfaces are left behind");
    if output.status.code() == Some(69) {
        let said = text(&output.stderr);
        assert_eq!(said.lines().count(), 1, "one line: {said}");
        skip("linux_tap", &said);
        return None;
    }
    Some(output)
}

#[test]
fn without_arguments_it_needs_nothing_and_leaves_nothing() {
    within(LIMIT, || {
        let Some(output) = alone(&[]) else { return };
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = text(&output.stdout);
        assert!(said.contains("fetched 16777216 bytes from 192.168.69.1:"), "{said}");
        assert!(said.ends_with("\nequal\n"), "{said}");
        assert_eq!(text(&output.stderr), "");
    });
}

#[test]
fn windows_small_and_large_fetch_files_small_and_large() {
    within(LIMIT, || {
        for (size, window) in
            [("0", "1MiB"), ("1", "64"), ("3001", "64"), ("1461", "512"), ("1MiB", "4KiB")]
        {
            let Some(output) = alone(&["--size", size, "--rx-buffer", window]) else { return };
            assert_eq!(output.status.code(), Some(0), "{size} by {window}: {output:?}");
        }
    });
}

/// A network namespace with two TAPs, and `fetchlet serve` in it; both end when dropped.
struct TapNamespace {
    server: ChildProcess,
    port: String,
}

/// A shell script: makes TAP 7, which is up, and TAP 8, which is not, and serves the folder `$1`.
const SET_UP: &str = "set -e
    ip link set lo up
    ip tuntap add dev tap7 mode tap
    ip address add 192.168.69.1/24 dev tap7
    ip link set tap7 up
    ip tuntap add dev tap8 mode tap
    exec \"$0\" serve -q --bind 0.0.0.0 --root \"$1\" 0";

impl TapNamespace {
    /// Serves `root`. Returns `None` and reports the test as skipped where the system refuses the
    /// namespace.
    fn new(root: &Path) -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", SET_UP]);
        command.arg(built("fetchlet").unwrap()).arg(root).stdin(Stdio::null());
        match ChildProcess::announced(command.stderr(Stdio::piped())) {
            Ok((server, line)) => {
                let port = line.trim_end().strip_prefix("listening on 0.0.0.0:");
                Some(Self { server, port: port.unwrap().into() })
            }
            Err(error) => {
                skip("linux_tap", &error.to_string());
                None
            }
        }
    }

    /// A command in this network.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--net", "--preserve-credentials", "--target"]);
        command.arg(self.server.pid().to_string()).arg(program.as_ref()).stdin(Stdio::null());
        command
    }

    fn ip(&self, line: &str) {
        let ended = output(self.command("ip").args(line.split(' ')));
        assert!(ended.status.success(), "ip {line}: {ended:?}");
    }

    fn device(&self, tap: &str, server: [&str; 3], options: &[&str]) -> Command {
        let mut command = self.command(built("linux_tap").unwrap());
        command.args(["--tap", tap, "--address", "192.168.69.100/24"]);
        command.arg("--server").args(server).args(options);
        command
    }

    fn fetch(&self, tap: &str, server: [&str; 3], options: &[&str]) -> Output {
        output(&mut self.device(tap, server, options))
    }

    /// Starts a device, and waits until it has opened its TAP.
    fn start(&self, tap: &str, server: [&str; 3], options: &[&str]) -> ChildProcess {
        let mut command = self.device(tap, server, options);
        let (device, line) = ChildProcess::announced(command.stderr(Stdio::piped())).unwrap();
        assert_eq!(line, format!("{tap}: device 192.168.69.100\n"));
        device
    }

    /// Asserts that the program ends with `code` and one line on stderr that contains `words`.
    fn refuses(&self, tap: &str, server: [&str; 3], options: &[&str], code: i32, words: &str) {
        let output = self.fetch(tap, server, options);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}: {output:?}");
        assert!(said.contains(words) && said.lines().count() == 1, "{words}: {said}");
    }
}

#[test]
fn a_tap_that_exists_is_used_again_and_again() {
    within(LIMIT, || {
        let folder = TempDir::new().unwrap();
        let content = random_bytes(5, 3_000_001);
        fs::write(folder.path().join("large"), &content).unwrap();
        fs::write(folder.path().join("empty"), "").unwrap();
        let Some(network) = TapNamespace::new(folder.path()) else { return };

        let output = folder.path().join("got");
        let option = ["-o", output.to_str().unwrap()];
        let at = |file| ["192.168.69.1", &network.port, file];
        let fetched = network.fetch("tap7", at("large"), &option);
        assert_eq!(fetched.status.code(), Some(0), "{fetched:?}");
        assert!(fs::read(&output).unwrap() == content);
        network.refuses("tap7", at("large"), &option, 1, "got exists");
        assert!(fs::read(&output).unwrap() == content);

        let empty = network.fetch("tap7", at("empty"), &["-v", "--gateway", "192.168.69.1"]);
        assert_eq!(empty.status.code(), Some(0), "{empty:?}");
        let none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert!(text(&empty.stdout).contains(none), "{empty:?}");
    });
}

#[test]
fn each_way_to_fail_is_told_from_the_others() {
    within(LIMIT, || {
        let folder = TempDir::new().unwrap();
        let Some(network) = TapNamespace::new(folder.path()) else { return };
        let output = folder.path().join("got");
        let option = ["-o", output.to_str().unwrap()];
        let at = |file| ["192.168.69.1", &network.port, file];

        network.refuses("tap7", at("missing"), &option, 1, "no such file (R8)");
        // A port other than the server's.
        let closed = if network.port == "40000" { "40001" } else { "40000" };
        let refused = ["192.168.69.1", closed, "file"];
        network.refuses("tap7", refused, &option, 1, "refused the connection");
        let nobody = ["192.168.69.77", "5000", "file"];
        let soon = ["--timeout", "200ms"];
        network.refuses("tap7", nobody, &soon, 1, "nobody accepted the connection in time");
        network.refuses("tap9", at("file"), &option, 69, "there is no interface tap9");
        network.refuses("tap8", at("file"), &option, 69, "tap8 is not up");
        network.refuses("lo", at("file"), &option, 69, "it is no TAP");
        assert_eq!(entries(folder.path()), [""; 0].map(PathBuf::from), "nothing was written (R14)");
    });
}

type DeviceLog = std::io::Lines<BufReader<std::process::ChildStderr>>;

/// Starts a device that fetches a file from `server` with these options, takes the link down when
/// `before` returns, and up again when `after` does. The file has to arrive.
fn pull_the_cable(
    server: &str,
    options: &[&str],
    before: fn(&mut DeviceLog),
    after: fn(&mut DeviceLog),
) {
    let folder = TempDir::new().unwrap();
    let content = random_bytes(6, 3_000_001);
    fs::write(folder.path().join("file"), &content).unwrap();
    let Some(network) = TapNamespace::new(folder.path()) else { return };
    let output = folder.path().join("got");
    let options = [options, &["-o", output.to_str().unwrap()]].concat();
    let mut device = network.start("tap7", [server, &network.port, "file"], &options);
    let mut log = BufReader::new(device.stderr().unwrap()).lines();
    before(&mut log);
    network.ip("link set tap7 down");
    after(&mut log);
    network.ip("address replace 192.168.69.77/24 dev tap7");
    network.ip("link set tap7 up");
    let last = log.last();
    let ended = device.wait(PATIENCE).unwrap().expect("an end");
    assert!(ended.success(), "{last:?}");
    assert!(fs::read(&output).unwrap() == content);
}

/// While the link is down the device looks for the server's address, which nobody has yet.
#[test]
fn frames_that_are_sent_while_the_link_is_down_are_lost() {
    within(LIMIT, || {
        let lost = |log: &mut DeviceLog| {
            let line = log.map(Result::unwrap).find(|line| line.contains("a frame is lost"));
            line.expect("a frame that is sent while the link is down");
        };
        pull_the_cable("192.168.69.77", &["-v"], |_| {}, lost);
    });
}

/// In the middle of the data the device waits, because nobody reads what it logs of each segment.
#[test]
fn a_download_goes_on_when_the_link_is_up_again() {
    within(LIMIT, || {
        let some = |log: &mut DeviceLog| {
            let received = log.map(Result::unwrap).filter(|line| line.contains("receiving"));
            assert_eq!(received.take(50).count(), 50);
        };
        pull_the_cable("192.168.69.1", &["-vv", "--rx-buffer", "4KiB"], some, |_| {});
    });
}

#[test]
fn a_tap_that_is_deleted_is_told() {
    within(LIMIT, || {
        let folder = TempDir::new().unwrap();
        let Some(network) = TapNamespace::new(folder.path()) else { return };
        let nobody = ["192.168.69.77", "5000", "file"];
        let device = network.start("tap7", nobody, &["--timeout", "1h"]);
        network.ip("link delete tap7");
        let output = device.output(PATIENCE).unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("it was deleted") && said.lines().count() == 1, "{said}");
    });
}
