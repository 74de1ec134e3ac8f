//! The command line: options, variables of the environment, help, and errors for wrong usage.

use fetchlet_test_kit::{HELLO, fetchlet, on_disk, response};
use tempfile::TempDir;

use crate::harness::{answering, assert_ended, finish, get, program};

#[test]
fn options_are_read_from_the_environment() {
    let dir = TempDir::new().unwrap();
    let mut command = program(&dir, answering(HELLO), &["h.txt"]);
    command.env("FETCHLET_OUTPUT", "other.txt").env("FETCHLET_QUIET", "1");
    let output = finish(command);
    assert_ended(&output, 0, "");
    assert!(output.stderr.is_empty());
    assert_eq!(on_disk(&dir), [("other.txt".into(), b"hello".to_vec())]);
}

#[test]
fn wrong_usage_ends_with_2() {
    let long = "x".repeat(1025);
    for arguments in [
        &["127.0.0.1", "1023", "h.txt"][..],
        &["127.0.0.1", "64001", "h.txt"],
        &["127.0.0.1", "0", "h.txt"],
        &["127.0.0.1", "5000", ""],
        &["127.0.0.1", "5000", &long],
        &["127.0.0.1", "5000", "folder/"],
        &["127.0.0.1", "5000", ".."],
        &["127.0.0.1", "5000", "h.txt", "--output", "folder/"],
        &["127.0.0.1", "5000", "h.txt", "--timeout", "0s"],
        &["127.0.0.1", "5000", "h.txt", "--max-size", "1T"],
        &["127.0.0.1", "5000", "h.txt", "--checksum", "sha256:00"],
        &["127.0.0.1", "5000", "h.txt", "--output", "-", "--print-checksum"],
        &["127.0.0.1", "5000"],
    ] {
        let dir = TempDir::new().unwrap();
        let mut command = fetchlet();
        command.arg("get").args(arguments).current_dir(&dir);
        assert_ended(&finish(command), 2, "");
    }
}

#[test]
fn a_file_larger_than_allowed_ends_with_63_before_anything_is_written() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "--max-size", "4"]);
    assert_ended(&output, 63, "5 bytes, more than the 4");
    assert_eq!(on_disk(&dir), []);
    let output = get(&dir, answering(HELLO), &["h.txt", "--max-size", "5"]);
    assert_ended(&output, 0, "");
}

#[test]
fn a_size_may_have_a_unit_of_1024() {
    let dir = TempDir::new().unwrap();
    let answer = response(&[7; 1025]);
    let output = get(&dir, answering(&answer), &["h.txt", "--max-size", "1K"]);
    assert_ended(&output, 63, "1025 bytes, more than the 1024");
    let output = get(&dir, answering(&answer), &["h.txt", "--max-size", "1KiB"]);
    assert_ended(&output, 2, "is no unit; write for example");
}

#[test]
fn wrong_usage_is_told_in_one_line_that_steers_no_terminal() {
    for arguments in [&["get"][..], &["get", "h", "\x1b[31m5", "x"], &["got"], &["get", "--no"]] {
        let mut command = fetchlet();
        command.args(arguments);
        let output = finish(command);
        assert_ended(&output, 2, "--help");
        let lines = output.stderr.iter().filter(|byte| **byte == b'\n').count();
        assert!(lines == 1 && !output.stderr.contains(&0x1b), "{output:?}");
    }
}

#[test]
fn wrong_usage_says_what_was_meant_and_where_a_value_is_from() {
    for (arguments, variables, expected) in [
        (
            &["serv", "5000"][..],
            &[][..],
            "no command serv; did you mean serve?; see fetchlet --help",
        ),
        (&["get", "h", "5000", "f", "--otput", "x"], &[], "did you mean --output?"),
        (&["get", "h", "5000", "f", "--otput", "x"], &[], "see fetchlet get --help"),
        (&["get", "h", "5000"], &[], "missing: <FILE>"),
        (&["get", "h:5000", "f"], &[], "; give host and port as two arguments"),
        (&["get", "-q", "http://h/f"], &[], "; give host and port as two arguments"),
        (&["get", "http://h:5000", "5000"], &[], "; give host and port as two arguments"),
        (&["get", "h", "5000", "f", "--output"], &[], "--output <PATH|-> takes a value"),
        (&["get", "h", "5000", "f", "--progress", "x"], &[], "which takes one of: auto"),
        (&["get", "h", "5000", "f"], &[("FETCHLET_TIMEOUT", "x")], ", from FETCHLET_TIMEOUT;"),
        (
            &["get", "h", "99", "f"],
            &[("FETCHLET_TIMEOUT", "1s")],
            "invalid value \"99\" for <PORT>",
        ),
    ] {
        let mut command = fetchlet();
        command.args(arguments).envs(variables.iter().copied());
        assert_ended(&finish(command), 2, expected);
    }
}

#[test]
fn help_manual_and_completions_name_every_command_and_option() {
    let run = |arguments: &[&str]| {
        let mut command = fetchlet();
        command.args(arguments);
        let output = finish(command);
        assert_ended(&output, 0, "");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["--help"]).contains("serve"));
    let texts = [run(&["man"]), run(&["completions", "bash"]), run(&["get", "--help"])];
    for option in ["output", "force", "timeout", "connect-timeout", "retry", "max-size"] {
        for text in &texts {
            assert!(text.replace('\\', "").contains(&format!("--{option}")), "{option}: {text}");
        }
    }
}
