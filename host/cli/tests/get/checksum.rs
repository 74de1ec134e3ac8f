//! `--checksum` and `--print-checksum`.

use std::fs;

use fetchlet_test_kit::{HELLO, on_disk, response};
use tempfile::TempDir;

use crate::harness::{answering, assert_ended, get};

const HELLO_SHA256: &str =
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[test]
fn a_checksum_that_is_right_changes_nothing_and_can_be_printed() {
    let dir = TempDir::new().unwrap();
    let arguments = ["h.txt", "--checksum", HELLO_SHA256, "--print-checksum", "--no-sync", "-q"];
    let output = get(&dir, answering(HELLO), &arguments);
    assert_ended(&output, 0, "");
    assert_eq!(output.stdout, format!("{HELLO_SHA256}\n").as_bytes());
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_checksum_that_differs_ends_with_32_and_leaves_what_there_was() {
    for len in [5, 3_000_000] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("h.txt"), "old").unwrap();
        let server = answering(&response(&vec![b'J'; len]));
        let arguments = ["h.txt", "--force", "--checksum", HELLO_SHA256, "--print-checksum"];
        let output = get(&dir, server, &arguments);
        assert_ended(&output, 32, HELLO_SHA256);
        assert!(output.stdout.is_empty());
        assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
    }
}
