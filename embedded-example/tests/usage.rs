//! The built programs on wrong command lines. That there are tests here makes `cargo test` build
//! the programs, which the tests across the crates run.

use std::process::{Command, Output, Stdio};

fn linux_tap(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_linux_tap"));
    program.args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// What `--tap` wants besides.
const COMPLETE: [&str; 8] =
    ["--tap", "tap0", "--address", "192.168.69.100/24", "--server", "192.168.69.1", "5000", "file"];

fn with(position: usize, value: &str) -> Vec<&str> {
    let mut arguments = COMPLETE.to_vec();
    arguments[position] = value;
    arguments
}

#[test]
fn wrong_usage_is_told_before_anything_is_done() {
    let too_long = "n".repeat(1025);
    for arguments in [
        vec!["--unknown"],
        vec!["--tap", "tap0"],
        vec!["--output", "file"],
        vec!["--size", "1 byte"],
        vec!["--size", "4GiB"],
        vec!["--rx-buffer", "0"],
        vec!["--timeout", "0s"],
        [&COMPLETE[..], &["--size", "1"]].concat(),
        with(1, "an interface of a long name"),
        with(1, ""),
        with(3, "192.168.69.100"),
        with(3, "255.255.255.255/24"),
        with(6, "80"),
        with(7, ""),
        with(7, &too_long),
    ] {
        let output = linux_tap(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        assert!(output.stderr.starts_with(b"error: "), "{arguments:?}: {output:?}");
    }
}

#[test]
fn help_says_the_exit_codes() {
    let output = linux_tap(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("69 not possible on this machine"), "{help}");
}
