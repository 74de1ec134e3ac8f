//! The program `compare`: that each measure works with small sizes, and that nothing is left of a run
//! that is ended in the middle. What it measures is for its own report.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fetchlet_tests::{LIMIT, built, within};
use rustix::process::{Pid, Signal, kill_process};

fn compare(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.arg("--program").arg(built("fetchlet"));
    command.arg("--dir").arg(folder).arg("--out-dir").arg(folder).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Every process with this folder in its command line.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|it| fs::read_to_string(it.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(folder)).collect()
}

fn assert_nothing_is_left(folder: &Path) {
    assert_eq!(processes_of(folder), Vec::<String>::new());
    let left: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|it| it.path()).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

/// Killed when the test ends early.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It has ended where the test passes.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn every_measure_of_our_own_works_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    within(LIMIT, move || {
        let measures = "big-1g,small-c1,small-c32,idle-10k,slow-readers,growth-bytes,growth-open";
        let output = compare(&path, &["--quick", "--only", measures]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = String::from_utf8(output.stdout).unwrap();
        for name in measures.split(',') {
            assert!(report.contains(&format!("### {name}: ")), "{report}");
        }
        assert_nothing_is_left(&path);
    });
}

#[test]
fn a_signal_in_the_middle_ends_all_that_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    within(LIMIT, move || {
        let long = ["--only", "small-c1", "--rounds", "9", "--seconds", "30"];
        let mut child = Killed(compare(&path, &long).spawn().unwrap());
        let pid = Pid::from_child(&child.0);
        let mut said = BufReader::new(child.0.stderr.take().unwrap()).lines();
        assert!(said.next().unwrap().unwrap().starts_with("small-c1: "));
        // Its own command line, and that of a server at least.
        while processes_of(&path).len() < 2 {
            std::thread::yield_now();
        }
        kill_process(pid, Signal::TERM).unwrap();
        assert_eq!(child.0.wait().unwrap().code(), Some(128 + 15));
        assert_nothing_is_left(&path);
    });
}
