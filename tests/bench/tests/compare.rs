//! Tests the program `compare`: every measure works with small sizes, and a run that is ended in
//! the middle leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fetchlet_test_kit::namespace::unshare_command;
use fetchlet_test_kit::{
    ChildProcess, LIMIT, assert_no_leaks, built, processes_using, skip, until, within,
};
use rustix::process::Signal;

/// Held during a run: two runs at a time would count each other's processes.
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
        assert_no_leaks(&path);
    });
}

#[test]
fn a_second_build_takes_part_in_the_six_main_measures() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    within(LIMIT, move || {
        let measures = ["small-c1", "small-c32", "mid-1m-c8", "big-1g", "get-1g", "get-1k"];
        let mut command = compare(&path, &["--quick", "--only", &measures.join(",")]);
        let output = command.arg("--against").arg(built("fetchlet").unwrap()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = String::from_utf8(output.stdout).unwrap();
        for name in measures {
            let is_ratio = |cells: &[&str]| {
                cells.first().is_some_and(|it| it.starts_with(&format!("{name}: ")))
                    && cells.get(2) == Some(&"fetchlet, before")
            };
            let mut rows = report
                .lines()
                .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
            let row =
                rows.find(|cells| is_ratio(cells)).unwrap_or_else(|| panic!("{name}: {report}"));
            assert!(row[3].parse::<f64>().is_ok_and(|ratio| ratio > 0.0), "{row:?}");
        }
    });
}

#[test]
fn everybody_sends_by_the_congestion_control_that_is_asked_for() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    within(LIMIT, move || {
        let small = ["--quick", "--only", "small-c1", "--congestion"];
        let output = compare(&path, &small).arg("reno").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        if String::from_utf8_lossy(&output.stderr).contains("no network namespace") {
            return skip("a network of the run's own", "the system refuses it");
        }
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(
            report.contains("* congestion control: reno, in a network namespace of"),
            "{report}"
        );
        let output = compare(&path, &small).arg("no-such-control").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("no-such-control can't be set"), "{said}");
        assert_no_leaks(&path);
    });
}

/// Runs `compare` where the system refuses network namespaces. `None` if user namespaces are
/// refused as well.
fn without_namespaces(folder: &Path, ci: Option<&str>) -> Option<Output> {
    let mut command = unshare_command(&["-r"]).ok()?;
    let compare = compare(folder, &["--quick", "--only", "small-c1"]);
    let script = r#"echo 0 > /proc/sys/user/max_net_namespaces && exec "$@""#;
    command.args(["sh", "-c", script, "sh"]).arg(compare.get_program());
    command.args(compare.get_args()).envs(ci.map(|ci| ("CI", ci)));
    Some(command.output().unwrap())
}

#[test]
fn a_machine_without_namespaces_is_told_and_fails_where_all_must_be_tried() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    within(LIMIT, move || {
        let Some(output) = without_namespaces(&path, None) else {
            return skip("a run without a namespace", "there is no `unshare -r`");
        };
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("WARNING, no network namespace can be made here"), "{said}");
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(report.contains(", the system's: no network namespace"), "{report}");
        let output = without_namespaces(&path, Some("true")).unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_no_leaks(&path);
    });
}

#[test]
fn a_signal_in_the_middle_ends_all_that_was_started() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    within(LIMIT, move || {
        let long = ["--only", "small-c1", "--rounds", "9", "--seconds", "30"];
        let mut child = ChildProcess::start(&mut compare(&path, &long)).unwrap();
        let mut said = BufReader::new(child.stderr().unwrap()).lines();
        assert!(said.next().unwrap().unwrap().starts_with("small-c1: "));
        // Two processes name the folder: `compare` and at least one server.
        until(LIMIT, || (processes_using(&path).len() > 1).then_some(())).unwrap();
        child.signal(Signal::TERM).unwrap();
        let code = child.wait(LIMIT).unwrap().unwrap().code();
        assert_eq!(code, Some(128 + 15), "{:#?}", said.collect::<Vec<_>>());
        assert_no_leaks(&path);
    });
}
