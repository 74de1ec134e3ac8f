//! Comments fit the width that rustfmt gives to code: 100 columns, indentation included.

use fetchlet_test_kit::rust_files;

#[test]
fn no_comment_is_wider_than_100_columns() {
    let mut wide = Vec::new();
    for (file, text) in rust_files() {
        for (at, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") && line.chars().count() > 100 {
                wide.push(format!("{file}:{}", at + 1));
            }
        }
    }
    assert_eq!(wide, [""; 0], "comments wider than 100 columns");
}
