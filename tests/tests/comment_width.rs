//! Comments fit the width that rustfmt gives to code: 100 columns, indentation included.

use std::path::Path;
use std::process::Command;

#[test]
fn no_comment_is_wider_than_100_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let listed = Command::new("git").args(["ls-files", "*.rs"]).current_dir(root).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let mut wide = Vec::new();
    let mut files = 0;
    for file in String::from_utf8(listed.stdout).unwrap().lines() {
        // `git ls-files` also lists a file that was deleted and not committed yet.
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        files += 1;
        for (at, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") && line.chars().count() > 100 {
                wide.push(format!("{file}:{}", at + 1));
            }
        }
    }
    assert!(files > 100, "only {files} files were read");
    assert_eq!(wide, [""; 0], "comments wider than 100 columns");
}
