//! Tests downloads by `fetchlet get` over a link that delays and loses frames, which `lossy` makes.
//!
//! Where the system refuses user namespaces or `/dev/net/tun`, a test says that it tried nothing,
//! and fails if `CI` is `true`.

use std::process::{Command, Output, Stdio};

use fetchlet_test_kit::{
    ChildProcess, LIMIT, assert_no_leaks, processes_using, skip, until, within,
};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// Runs `lossy` with `fetchlet` alone, because other competitors may not be installed. `None`, and
/// a message, if the system refuses the link.
fn lossy(arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lossy"));
    command.args(["--only", "get", "--rounds", "1"]).args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    if output.status.code() == Some(69) {
        skip("a lossy link", &String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(output)
}

#[test]
fn a_download_over_a_link_that_delays_and_loses_is_whole() {
    within(LIMIT, || {
        let folder = TempDir::new().unwrap();
        let table = folder.path().join("table.json");
        let link = ["--rtt", "40", "--loss", "0,3", "--size", "100001", "--limit", "30"];
        let options = [&link[..], &["--json", table.to_str().unwrap()]].concat();
        let Some(output) = lossy(&options) else { return };
        assert_eq!(output.status.code(), Some(0), "{output:?}");

        let rows: Value = serde_json::from_slice(&std::fs::read(&table).unwrap()).unwrap();
        let [even, losing] = rows.as_array().unwrap().as_slice() else { panic!("{rows}") };
        for row in [even, losing] {
            let seconds: f64 = row["fetchlet get"].as_str().unwrap().parse().unwrap();
            // A round trip for the connection, one for the request, and more for the rest.
            assert!(seconds >= 0.080, "{row}");
        }
        // The seed decides the losses: without any, the test would have tried nothing.
        assert!(even["frames lost"].as_str().unwrap().starts_with("0 of "), "{even}");
        assert!(!losing["frames lost"].as_str().unwrap().starts_with("0 of "), "{losing}");
    });
}

#[test]
fn a_download_that_is_not_whole_in_time_is_told_and_fails() {
    within(LIMIT, || {
        let link = ["--rtt", "3000", "--loss", "0", "--size", "1", "--limit", "1"];
        let Some(output) = lossy(&link) else { return };
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("not done in 1 s"), "{output:?}");
    });
}

#[test]
fn a_signal_in_the_middle_ends_all_that_was_started() {
    within(LIMIT, || {
        // This run finds out whether the system refuses the link.
        let Some(_) = lossy(&["--rtt", "0", "--loss", "0", "--size", "1"]) else { return };
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lossy"));
        command.args(["--only", "get", "--rtt", "9000", "--loss", "0"]);
        command.env("TMPDIR", folder.path()).stdin(Stdio::null()).stderr(Stdio::null());
        let mut child = ChildProcess::start(&mut command).unwrap();
        // Two processes name the folder: the server and the client.
        until(LIMIT, || (processes_using(folder.path()).len() > 1).then_some(())).unwrap();
        child.signal(Signal::TERM).unwrap();
        assert_eq!(child.wait(LIMIT).unwrap().unwrap().code(), Some(128 + 15));
        assert_no_leaks(folder.path());
    });
}
