//! The program `compare`: that each measure works with small sizes, and that nothing is left of a run
//! that is ended in the middle. What it measures is for its own report.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fetchlet_test_kit::{
    LIMIT, Running, assert_nothing_is_left, built, processes_of, until, within,
};
use rustix::process::Signal;

/// One run at a time: they look at what the whole machine uses.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn compare(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.arg("--program").arg(built("fetchlet").unwrap());
    command.arg("--dir").arg(folder).arg("--out-dir").arg(folder).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn every_measure_of_our_own_works_and_leaves_nothing() {
    let _alone = alone();
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
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    within(LIMIT, move || {
        let long = ["--only", "small-c1", "--rounds", "9", "--seconds", "30"];
        let mut child = Running::start(&mut compare(&path, &long)).unwrap();
        let mut said = BufReader::new(child.stderr().unwrap()).lines();
        assert!(said.next().unwrap().unwrap().starts_with("small-c1: "));
        // Its own command line, and that of a server at least.
        until(LIMIT, || (processes_of(&path).len() > 1).then_some(())).unwrap();
        child.signal(Signal::TERM).unwrap();
        let code = child.wait(LIMIT).unwrap().unwrap().code();
        assert_eq!(code, Some(128 + 15), "{:#?}", said.collect::<Vec<_>>());
        assert_nothing_is_left(&path);
    });
}
