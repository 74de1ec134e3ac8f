//! No circle of files: within a crate, following `use` and path references from file to file never
//! leads back. `mod` and `pub use` don't count: a parent may list and re-export its children, and a
//! reference to a re-exported name leads to the file that the name comes from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The folders that are checked: the `src` of each library, and the folder of each program.
const CRATES: &[&str] = &[
    "codec/src",
    "host/src",
    "host/cli/src",
    "embedded-example/smoltcp/src",
    "embedded-example/segment/src",
    "embedded-example/src",
    "embedded-example/src/bin/linux_tap",
    "embedded-example/src/bin/simulated",
    "tests/bench/src/bin/compare",
    "tests/bench/src/bin/lossy",
    "tests/invariants/src",
    "tests/kit/src",
    "tests/src/bin/soak",
];

/// The path of a module from the crate's root, which has the empty path.
type Module = Vec<String>;

/// A file's text without comments and unit tests: its re-exports, and the rest.
struct Text {
    code: String,
    re_exports: String,
}

type Modules = BTreeMap<Module, Text>;

/// A name in the module that its path begins with; empty for the module itself.
type Item = (Module, String);

/// Collects the modules below `folder`, each with the text of its file. Files of tests are left
/// out, and so are programs, each of which is a crate of its own.
fn modules(folder: &Path, parent: &Module, all: &mut Modules) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let below = || [parent.as_slice(), &[stem.to_owned()]].concat();
        if path.is_dir() && stem != "bin" {
            modules(&path, &below(), all);
        } else if path.extension().is_some_and(|it| it == "rs") && stem != "tests" {
            let module =
                if ["lib", "main", "mod"].contains(&stem) { parent.clone() } else { below() };
            all.insert(module, split(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Removes comments and unit tests, and separates the re-exports from the rest.
fn split(text: &str) -> Text {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap().trim_start());
    let (mut all, mut is_re_export) =
        (Text { code: String::new(), re_exports: String::new() }, false);
    for line in lines {
        is_re_export |= line.starts_with("pub") && line.contains(" use ");
        let to = if is_re_export { &mut all.re_exports } else { &mut all.code };
        to.push_str(line);
        to.push('\n');
        is_re_export &= !line.ends_with(';');
    }
    all
}

/// Returns the items that a text refers to: those of its paths that begin with `crate`, `super`,
/// `self` or a child's name.
fn items(own: &Module, code: &str, all: &Modules) -> Vec<Item> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = code[at..].find("::") {
        let end = at + next;
        at = end + 2;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let first = code[..end].rsplit(|c| !is_word(c)).next().unwrap();
        if code[..end - first.len()].ends_with("::") {
            continue;
        }
        let base = match first {
            "crate" => Module::new(),
            "self" => own.clone(),
            "super" => own[..own.len().saturating_sub(1)].to_vec(),
            child => {
                let child = [own.as_slice(), &[child.to_owned()]].concat();
                if !all.contains_key(&child) {
                    continue;
                }
                child
            }
        };
        follow(&base, &code[at..], all, &mut found);
    }
    found
}

/// Returns for each re-exported name the module that it is re-exported from.
fn re_exports(all: &Modules) -> BTreeMap<Item, Module> {
    let mut origins = BTreeMap::new();
    for (own, text) in all {
        for (origin, name) in items(own, &text.re_exports, all) {
            origins.insert((own.clone(), name), origin);
        }
    }
    origins
}

/// Returns the modules that each module refers to.
fn arrows(all: &Modules) -> BTreeMap<&Module, Vec<Module>> {
    let re_exports = re_exports(all);
    let origin = |(mut module, name): Item| {
        while let Some(origin) = re_exports.get(&(module.clone(), name.clone())) {
            module.clone_from(origin);
        }
        module
    };
    let referred = |own: &Module, text: &Text| {
        items(own, &text.code, all).into_iter().map(origin).filter(|module| module != own).collect()
    };
    all.iter().map(|(own, text)| (own, referred(own, text))).collect()
}

/// Follows a path, and each branch of a group in braces, to the last module on it.
fn follow(base: &Module, rest: &str, all: &Modules, found: &mut Vec<Item>) {
    if let Some(group) = rest.strip_prefix('{') {
        let (mut depth, mut from) = (0_u32, 0);
        for (at, c) in group.char_indices() {
            match c {
                ',' | '}' if depth == 0 => {
                    follow(base, group[from..at].trim(), all, found);
                    from = at + 1;
                    if c == '}' {
                        return;
                    }
                }
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(len);
    let next = match name {
        "super" => base[..base.len().saturating_sub(1)].to_vec(),
        _ => [base.as_slice(), &[name.to_owned()]].concat(),
    };
    match rest.strip_prefix("::") {
        Some(rest) if all.contains_key(&next) => follow(&next, rest, all, found),
        _ if name == "self" => found.push((base.clone(), String::new())),
        _ if all.contains_key(&next) => found.push((next, String::new())),
        _ => found.push((base.clone(), name.to_owned())),
    }
}

/// Returns a circle, if there is one, as the modules along it.
fn circle(all: &Modules) -> Option<Vec<String>> {
    fn visit(
        module: &Module,
        arrows: &BTreeMap<&Module, Vec<Module>>,
        way: &mut Vec<Module>,
        done: &mut Vec<Module>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|it| it == module) {
            let name = |it: &Module| if it.is_empty() { "crate".into() } else { it.join("::") };
            return Some(way[start..].iter().chain([module]).map(name).collect());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module.clone());
        let found = arrows.get(module)?.iter().find_map(|to| visit(to, arrows, way, done));
        way.pop();
        done.push(module.clone());
        found
    }
    let arrows = arrows(all);
    let mut done = Vec::new();
    all.keys().find_map(|module| visit(module, &arrows, &mut Vec::new(), &mut done))
}

#[test]
fn no_files_form_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for folder in CRATES {
        let mut all = BTreeMap::new();
        modules(&root.join(folder), &Module::new(), &mut all);
        assert!(all.len() > 1, "{folder} has no files");
        assert_eq!(circle(&all), None, "{folder}: a circle of files");
    }
}

#[test]
fn a_planted_circle_is_found_and_a_re_export_alone_is_none() {
    let planted = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| {
            let module = name.split("::").filter(|it| !it.is_empty()).map(String::from);
            (module.collect(), split(text))
        });
        circle(&files.collect())
    };
    let named = |names: &[&str]| Some(names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    let back = ("b", "use std::io;\nuse super::{c::{self, D}, a};\n");
    let files = [("", "mod a;\nmod b;\n"), ("a", "use crate::b::B;\n"), back, ("c", "")];
    assert_eq!(planted(&files), named(&["a", "b", "a"]));
    assert_eq!(
        planted(&[("", "use a::A;\n"), ("a", "use crate::X;\n")]),
        named(&["crate", "a", "crate"])
    );
    let path =
        [("", "mod a;\n"), ("a", "fn f() { crate::b::g() }\n"), ("b", "fn g(_: super::a::A) {}\n")];
    assert_eq!(planted(&path), named(&["a", "b", "a"]));
    let re_export = [("", "mod a;\npub use a::{\n    A,\n};\n"), ("a", "use crate::X;\n")];
    assert_eq!(planted(&re_export), None);
    let through_a_re_export = [
        ("", "mod a;\nmod b;\npub use a::{\n    A,\n};\npub use b::B;\n"),
        ("a", "use crate::B;\n"),
        ("b", "use crate::a::f;\n"),
    ];
    assert_eq!(planted(&through_a_re_export), named(&["a", "b", "a"]));
    let comment = [("", ""), ("a", "// crate::b\n"), ("b", "use crate::a;\n")];
    assert_eq!(planted(&comment), None);
}
