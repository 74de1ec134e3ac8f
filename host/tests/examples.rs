//! The examples as built: `download` fetches from `serve`, and `serve` stops when its input ends.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// An example beside this test, where cargo builds it.
fn example(name: &str) -> Command {
    let own = env::current_exe().unwrap();
    let profile: PathBuf = own.ancestors().nth(2).unwrap().into();
    let program = profile.join("examples").join(name);
    assert!(program.is_file(), "{name} is not built: `cargo build -p fetchlet --examples`");
    Command::new(program)
}

/// Kills the program when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The program may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs `act` in a thread of its own; fails if that takes longer than the deadline.
fn within<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = mpsc::channel();
    thread::spawn(move || done.send(act()));
    waiting.recv_timeout(DEADLINE).expect("a program that ends")
}

fn download(arguments: [&str; 3]) -> Output {
    let mut command = example("download");
    command.args(arguments).stdin(Stdio::null());
    within(move || command.output().unwrap())
}

#[test]
fn a_download_shows_progress_and_the_server_stops_when_its_input_ends() {
    let served = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    fs::write(served.path().join("fw.bin"), &content).unwrap();
    let mut command = example("serve");
    command.arg(served.path()).arg("127.0.0.1:0");
    let mut server = Running(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut stdout = BufReader::new(server.0.stdout.take().unwrap());
    let (line, mut stdout) = within(move || {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        (line, stdout)
    });
    let address = line.trim_end().strip_prefix("listening on ").expect(&line);

    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("v2.bin");
    let target_text = target.to_str().unwrap();
    let whole = download([address, "fw.bin", target_text]);
    let said = String::from_utf8(whole.stdout).unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    assert!(said.contains("fw.bin has 1000000 bytes") && said.contains("100 %"), "{said}");
    assert!(said.contains("sha256:"), "{said}");
    assert!(fs::read(&target).unwrap() == content, "the file differs");

    let again = download([address, "fw.bin", target_text]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists"), "{again:?}");
    let missing = download([address, "nothing", folder.path().join("nothing").to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("R8"), "{missing:?}");

    drop(server.0.stdin.take());
    let (status, rest) = within(move || -> (ExitStatus, String) {
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        (server.0.wait().unwrap(), rest)
    });
    assert!(status.success() && rest == "stopped\n", "{status}, {rest:?}");
}
