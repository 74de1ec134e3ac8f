//! One word means one thing: no two types of the workspace have the same name, private ones, those
//! of tests and those of programs included.

use std::collections::{BTreeMap, BTreeSet};

use fetchlet_test_kit::rust_files;

/// The names that several types may have, each with the reason.
const SHARED: &[(&str, &str)] = &[
    ("Args", "clap's conventional name of a program's or a subcommand's arguments"),
    ("Client", "the public client of each of the two libraries; nobody uses both"),
    ("Config", "the public settings of each of the two libraries; nobody uses both"),
    ("Readme", "carries a README to rustdoc, so that its code is tested; no code names it"),
    ("RxToken", "smoltcp's name of what each of its devices returns"),
    ("State", "the private states of one machine, named by `Self` alone"),
    ("TxToken", "smoltcp's name of what each of its devices returns"),
];

/// Returns the name of the type that a line begins to define.
///
/// An indented `type` without `pub` is a type of a trait, whose name the trait has chosen.
fn defined(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let (code, is_public) = match code.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => (rest.split_once(')')?.1, true),
        Some(rest) => (rest, true),
        None => (code, false),
    };
    let (keyword, rest) = code.trim_start().split_once(' ')?;
    let is_definition = match keyword {
        "struct" | "enum" | "trait" | "union" => true,
        "type" => is_public || !line.starts_with(' '),
        _ => false,
    };
    let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
    (is_definition && name.starts_with(char::is_uppercase)).then_some(name)
}

/// Returns each name that more than one type has, with where each of these is defined.
fn repeated(files: &BTreeMap<String, String>) -> BTreeMap<&str, Vec<String>> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, text) in files {
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(name) = defined(line) {
                places.entry(name).or_default().push(format!("{file}:{number}"));
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    places
}

#[test]
fn no_two_types_have_the_same_name() {
    let files = rust_files();
    let mut repeated = repeated(&files);
    for (name, reason) in SHARED {
        assert!(repeated.remove(name).is_some(), "{name} ({reason}) is not shared any more");
    }
    assert!(repeated.is_empty(), "types with the same name: {repeated:#?}");
}

#[test]
fn a_planted_second_definition_is_found_and_a_type_of_a_trait_is_none() {
    let planted = |texts: &[&str]| {
        let files = (0..).zip(texts).map(|(at, text): (u32, _)| (at.to_string(), (*text).into()));
        repeated(&files.collect()).into_keys().map(String::from).collect::<BTreeSet<_>>()
    };
    let found = BTreeSet::from(["Link".to_owned()]);
    for other in [
        "struct Link;",
        "pub(crate) enum Link {",
        "    pub(in crate::a) struct Link<'a>(&'a u8);",
        "type Link = u8;",
        "pub trait Link: Copy {",
    ] {
        assert_eq!(planted(&["#[derive(Debug)]\npub struct Link {\n}", other]), found, "{other}");
        assert_eq!(planted(&[&format!("{other}\n{other}")]), found, "{other}");
    }
    for other in ["struct Links;", "    type Link = u8;", "// struct Link", "use a::Link;"] {
        assert_eq!(planted(&["struct Link;", other]), BTreeSet::new(), "{other}");
    }
}
