//! The log has one line per exchange, whatever a filename contains.

use fetchlet_test_kit::{NOT_FOUND, response};
use serde_json::Value;

use crate::harness::*;

/// Filenames that, unescaped, would control a terminal, deceive a reader, or add a line to the log.
const HOSTILE: [&str; 8] = [
    "a\nINFO forged=1",
    "\u{1b}]0;owned\u{7}",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{9b}31m",
    "\u{202e}txt.exe",
    "\u{2066}\u{200f}\u{61c}",
    "quote\" end=\"sent",
];

#[test]
fn text_is_escaped() {
    let folder = folder(&[]);
    let (program, address) = serve(folder.path(), &["-v"]);
    for name in HOSTILE {
        assert_eq!(fetch(address, name), NOT_FOUND);
        for line in [program.logged("requested"), program.logged("end=")] {
            assert!(line.chars().all(|c| (' '..='~').contains(&c)), "{name:?}: {line:?}");
            let escaped = format!("name={name:?}");
            assert!(line.contains(&escaped), "{escaped} in {line}");
        }
    }
}

#[test]
fn json_is_ascii_and_parses_back() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (program, address) = serve(folder.path(), &["--log-format", "json"]);
    for name in HOSTILE {
        assert_eq!(fetch(address, name), NOT_FOUND);
        let line = program.logged("\"end\"");
        assert!(line.chars().all(|c| (' '..='~').contains(&c)), "{name:?}: {line:?}");
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["name"], name);
        assert_eq!(event["end"], "not found");
        assert_eq!(event["status"], 0);
    }
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    let event: Value = serde_json::from_str(&program.logged("\"end\"")).unwrap();
    assert_eq!(event["level"], "INFO");
    assert_eq!(event["name"], "h.txt");
    assert_eq!(event["status"], 1);
    assert_eq!(event["bytes"], 5);
    assert_eq!(event["end"], "sent");
    assert!(event["ms"].is_u64());
    assert!(event["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
}

#[test]
fn a_line_says_how_it_ended() {
    let folder = folder(&[("h.txt", b"hello")]);
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let (program, address) = serve(folder.path(), &[]);
    for (name, expected) in [
        ("h.txt", "name=\"h.txt\" status=1 bytes=5"),
        ("folder", "name=\"folder\" status=0 bytes=0"),
        ("../x", "reason=\"a `.` or `..` component in the name\""),
        ("/x", "reason=\"an absolute name\""),
    ] {
        fetch(address, name);
        let line = program.logged("end=");
        assert!(line.contains(expected), "{line}");
        assert!(line.contains(" ms="), "{line}");
    }
}
