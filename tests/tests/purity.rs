//! Checks the import rule of CONTRIBUTING.md against the dependencies that cargo reports for each
//! crate.
//!
//! A crate or a dependency that is not listed here is a failure: adding one is a decision.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The crates of the workspace; for each, the siblings that it may use and the other crates that it
/// must not use.
const RULE: &[(&str, &[&str], &[&str])] = &[
    ("fetchlet-codec", &[], &["log", "smoltcp", "tokio", "tracing"]),
    (
        "fetchlet",
        &["fetchlet-codec"],
        &["smoltcp", "clap", "indicatif", "signal-hook", "tracing-subscriber"],
    ),
    ("fetchlet-cli", &["fetchlet"], &["smoltcp"]),
    // `fetchlet-segment` only for its example: see the last test.
    ("fetchlet-smoltcp", &["fetchlet-codec", "fetchlet-segment"], &["rustix", "tokio"]),
    ("fetchlet-segment", &[], &["tokio"]),
    ("fetchlet-embedded-example", &["fetchlet", "fetchlet-segment", "fetchlet-smoltcp"], &[]),
    ("fetchlet-bench", &["fetchlet-codec"], &[]),
    ("fetchlet-invariants", &["fetchlet-codec"], &[]),
    ("fetchlet-test-kit", &["fetchlet-codec", "fetchlet", "fetchlet-invariants"], &["smoltcp"]),
    (
        "fetchlet-tests",
        &[
            "fetchlet-codec",
            "fetchlet",
            "fetchlet-invariants",
            "fetchlet-segment",
            "fetchlet-smoltcp",
        ],
        &[],
    ),
];

/// The test harness: any crate may have it as a dev-dependency.
const KIT: &str = "fetchlet-test-kit";

/// Crates of programs that only developers run: they may have [`KIT`] as a normal dependency.
const KIT_PROGRAMS: &[&str] = &["fetchlet-bench", "fetchlet-tests"];

/// Every crate that may be in the codec's dependency tree with all features. Each works without std
/// and without an allocator.
const CODEC_TREE: &[&str] = &[
    "bitflags",
    "byteorder",
    "crc",
    "crc-catalog",
    "defmt",
    "embedded-io",
    "embedded-io-async",
    "fetchlet-codec",
    "hash32",
    "heapless",
    "memchr",
    "nom",
    "stable_deref_trait",
];

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around the tests");
    let output =
        Command::new(cargo).args(arguments).current_dir(root).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// Returns each crate of the workspace with the dependencies that its manifest declares.
fn workspace() -> BTreeMap<String, Vec<Value>> {
    let metadata = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .map(|package| {
            let name = package["name"].as_str().expect("a name").to_owned();
            (name, package["dependencies"].as_array().expect("dependencies").clone())
        })
        .collect()
}

fn name(dependency: &Value) -> &str {
    dependency["name"].as_str().expect("a dependency has a name")
}

/// Returns whether the dependency is linked into the crate itself, not only into its tests or its
/// build script.
fn is_normal(dependency: &Value) -> bool {
    dependency["kind"].is_null()
}

/// Returns the crates that are linked into this one, with their features.
fn tree(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let common = ["tree", "--prefix=none", "--no-dedupe", "--format={p}|{f}"];
    let lines = cargo(&[&common, arguments].concat());
    let mut tree = BTreeMap::<String, BTreeSet<String>>::new();
    for line in lines.lines().filter(|line| !line.is_empty()) {
        let (package, features) = line.split_once('|').expect("the format asked for");
        let name = package.split(' ').next().expect("a name").to_owned();
        let features = features.split(',').filter(|feature| !feature.is_empty());
        tree.entry(name).or_default().extend(features.map(String::from));
    }
    tree
}

#[test]
fn every_crate_is_in_the_rule() {
    for package in workspace().keys() {
        assert!(RULE.iter().any(|(name, ..)| name == package), "{package} has no rule");
    }
}

#[test]
fn every_crate_uses_only_the_siblings_it_may() {
    let workspace = workspace();
    for (package, siblings, never) in RULE {
        for dependency in workspace.get(*package).into_iter().flatten() {
            let used = name(dependency);
            assert!(!never.contains(&used), "{package} must not use {used}");
            let sibling = used != KIT && RULE.iter().any(|(name, ..)| *name == used);
            assert!(!sibling || siblings.contains(&used), "{package} must not use {used}");
        }
    }
}

#[test]
fn nothing_depends_on_the_program_or_the_tests() {
    for (package, dependencies) in workspace() {
        for dependency in &dependencies {
            let leaf =
                ["fetchlet-bench", "fetchlet-cli", "fetchlet-tests"].contains(&name(dependency));
            assert!(!leaf, "{package} uses {}", name(dependency));
        }
    }
}

#[test]
fn only_dev_dependencies_and_developers_programs_use_the_test_kit() {
    for (package, dependencies) in workspace() {
        for dependency in dependencies.iter().filter(|used| name(used) == KIT) {
            let allowed = dependency["kind"] == "dev" || KIT_PROGRAMS.contains(&package.as_str());
            assert!(allowed, "{package} has {KIT} as a dependency that is not for its tests");
            // `cargo package` leaves out a dev-dependency that has a path and no version.
            assert_eq!(dependency["req"], "*", "{package} names a version of {KIT}");
        }
    }
}

#[test]
fn the_codec_declares_only_what_it_is_known_for() {
    let workspace = workspace();
    let declared: BTreeSet<&str> =
        workspace["fetchlet-codec"].iter().filter(|used| is_normal(used)).map(name).collect();
    let known = ["crc", "defmt", "embedded-io", "embedded-io-async", "heapless", "nom"];
    assert_eq!(declared, BTreeSet::from(known));
    for dependency in workspace["fetchlet-codec"].iter().filter(|used| is_normal(used)) {
        let bare = dependency["uses_default_features"] == false;
        assert!(bare, "{} comes with its default features", name(dependency));
        let needed = ["crc", "nom", "heapless"].contains(&name(dependency));
        assert_eq!(dependency["optional"] == false, needed, "{}", name(dependency));
    }
}

#[test]
fn the_codecs_tree_has_nothing_that_needs_std_or_an_allocator() {
    let edges = "--edges=normal,no-proc-macro";
    let tree = tree(&["-p=fetchlet-codec", "--all-features", "--target=all", edges]);
    for (package, features) in &tree {
        assert!(CODEC_TREE.contains(&package.as_str()), "{package} is new in the codec's tree");
        for feature in ["std", "alloc"] {
            assert!(!features.contains(feature), "{package} is built with {feature}");
        }
    }
    // A listing without these two is no listing of the tree.
    assert!(["nom", "heapless", "defmt"].iter().all(|name| tree.contains_key(*name)));
}

#[test]
fn the_codec_alone_needs_little() {
    let edges = "--edges=normal,no-proc-macro";
    let tree = tree(&["-p=fetchlet-codec", "--no-default-features", "--target=all", edges]);
    for optional in ["defmt", "embedded-io", "embedded-io-async"] {
        assert!(!tree.contains_key(optional), "{optional} is there without its feature");
    }
}

/// Returns the tree of the host library with only this feature.
fn host_with(feature: &str) -> BTreeMap<String, BTreeSet<String>> {
    let feature = format!("--features={feature}");
    tree(&["-p=fetchlet", "--no-default-features", &feature, "--edges=normal,build"])
}

#[test]
fn a_client_alone_compiles_no_runtime_and_no_program() {
    let tree = host_with("client");
    assert!(tree.contains_key("fetchlet-codec"));
    for absent in ["tokio", "mio", "tracing", "clap", "indicatif", "signal-hook"] {
        assert!(!tree.contains_key(absent), "the client alone compiles {absent}");
    }
}

#[test]
fn a_server_alone_compiles_no_program() {
    let tree = host_with("server");
    assert!(tree.contains_key("tokio"));
    for absent in ["clap", "indicatif", "signal-hook", "tracing-subscriber"] {
        assert!(!tree.contains_key(absent), "the server alone compiles {absent}");
    }
}

/// The client on smoltcp runs on devices; only its example uses a host.
#[test]
fn the_client_on_smoltcp_needs_neither_std_nor_an_allocator_nor_the_host() {
    let workspace = workspace();
    let client = workspace.get("fetchlet-smoltcp").into_iter().flatten();
    let mut seen = BTreeSet::new();
    for dependency in client.filter(|used| is_normal(used)) {
        seen.insert(name(dependency));
        assert_eq!(dependency["optional"] == true, name(dependency) == "defmt", "{dependency}");
    }
    assert_eq!(seen, BTreeSet::from(["crc", "defmt", "fetchlet-codec", "smoltcp"]));
    let edges = "--edges=normal,no-proc-macro";
    let tree = tree(&["-p=fetchlet-smoltcp", "--all-features", edges]);
    for absent in ["fetchlet", "fetchlet-segment", "tokio", "clap", "rustix", "log"] {
        assert!(!tree.contains_key(absent), "the library alone compiles {absent}");
    }
    assert!(!tree["smoltcp"].contains("std") && !tree["smoltcp"].contains("alloc"));
}
