//! Signals in the middle of a download.

use std::fs;

use fetchlet_test_kit::on_disk;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{assert_ended, program, shell, spawn, staging_file, stuck_in_data, wait};

#[test]
fn signals_remove_what_is_unfinished() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("h.txt"), "old").unwrap();
        let child = spawn(program(&dir, stuck_in_data(), &["h.txt", "--force"]));
        staging_file(dir.path());
        child.signal(signal).unwrap();
        assert_ended(&wait(child), code, "signal");
        assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
    }
}

#[test]
fn a_hang_up_that_was_ignored_before_stays_ignored() {
    let dir = TempDir::new().unwrap();
    let port = stuck_in_data().port();
    let script = format!("trap '' HUP; exec \"$0\" get 127.0.0.1 {port} h.txt");
    let child = spawn(shell(&dir, &script));
    staging_file(dir.path());
    child.signal(Signal::HUP).unwrap();
    child.signal(Signal::TERM).unwrap();
    assert_ended(&wait(child), 143, "signal");
}

#[test]
fn kill_9_leaves_the_target_as_it_was() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    let child = spawn(program(&dir, stuck_in_data(), &["h.txt", "--force"]));
    let staging = staging_file(dir.path());
    child.signal(Signal::KILL).unwrap();
    assert_eq!(wait(child).status.code(), None);
    assert_eq!(fs::read(dir.path().join("h.txt")).unwrap(), b"old");
    assert!(staging.starts_with(".h.txt.part-"), "{staging}");
}
