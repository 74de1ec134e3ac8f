//! No name leads out of the folder, whichever way it is looked up.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, mknodat};
use tempfile::TempDir;

use super::*;

const WAYS: [Lookup; 3] = [Lookup::Cached, Lookup::Openat2, Lookup::Walk];

/// A folder to serve, in one that has secrets.
fn tree() -> TempDir {
    let outer = tempfile::tempdir().unwrap();
    let at = outer.path();
    fs::write(at.join("secret"), "secret").unwrap();
    fs::create_dir_all(at.join("root/a/b")).unwrap();
    fs::create_dir(at.join("root/.hidden")).unwrap();
    for name in ["top", "a/mid", "a/b/deep", ".dot", ".hidden/file", "a/b/..x", "a/ü€𝄞"] {
        fs::write(at.join("root").join(name), name).unwrap();
    }
    for (target, link) in [
        ("../secret", "out"),
        ("..", "a/up"),
        ("../..", "a/out"),
        ("top", "near"),
        ("a", "folder-link"),
        ("b/deep", "a/inner"),
        ("loop", "loop"),
        ("/proc/self/root/etc/passwd", "magic"),
    ] {
        symlink(target, at.join("root").join(link)).unwrap();
    }
    symlink(at.join("root/top"), at.join("root/absolute")).unwrap();
    mknodat(CWD, at.join("root/pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
    outer
}

fn root(outer: &TempDir, options: RootOptions, lookup: Lookup) -> Root {
    let path = outer.path().join("root");
    let Root { folder, .. } = Root::open(&path, options).unwrap();
    Root::with_lookup(folder, options, lookup)
}

fn open_file(root: &Root, name: &str) -> Result<OpenFile, LookupError> {
    root.open_anywhere(name).and_then(|fd| OpenFile::new(Ok(fd)))
}

fn content(root: &Root, name: &str) -> Option<String> {
    let content = read(open_file(root, name), name);
    // What that has brought to memory is most often found there. If so, it is the same.
    if let Some(cached) = root.open_cached(name) {
        assert_eq!(read(cached, name), content, "{name:?}");
    }
    content
}

fn read(found: Result<OpenFile, LookupError>, name: &str) -> Option<String> {
    match found {
        Ok(opened) => {
            let mut content = vec![0; opened.len as usize + 1];
            let len = rustix::io::pread(&opened.fd, &mut content, 0).unwrap();
            assert_eq!(len, opened.len as usize);
            content.truncate(len);
            Some(String::from_utf8(content).unwrap())
        }
        Err(LookupError::NotFound(_)) => None,
        Err(error) => panic!("{name:?}: {error:?}"),
    }
}

#[test]
fn plain_names_are_found() {
    let outer = tree();
    for lookup in WAYS {
        let root = root(&outer, RootOptions::default(), lookup);
        for name in ["top", "a/mid", "a/b/deep", "a/ü€𝄞"] {
            assert_eq!(content(&root, name).as_deref(), Some(name), "{lookup:?}");
        }
    }
}

#[test]
fn what_was_just_opened_is_found_without_the_disk() {
    let outer = tree();
    let root = root(&outer, RootOptions::default(), Lookup::Cached);
    for name in ["top", "a/b/deep"] {
        assert!(open_file(&root, name).is_ok());
        // A mount or a renaming elsewhere, at the same moment, makes it look again.
        assert!((0..10).any(|_| matches!(root.open_cached(name), Some(Ok(_)))), "{name:?}");
    }
    let root = self::root(&outer, RootOptions::default(), Lookup::Openat2);
    assert!(root.open_cached("top").is_none(), "it can't tell");
}

#[test]
fn whatever_is_not_a_regular_file_inside_is_not_found() {
    let outer = tree();
    let long = "x".repeat(256);
    let deep = "a/".repeat(500) + "x";
    let absolute = outer.path().join("root/top");
    let names = [
        "missing",
        "a",
        "a/b",
        "pipe",
        "top/x",
        "a/mid/x",
        &long,
        &deep,
        "/etc/passwd",
        absolute.to_str().unwrap(),
        "//top",
        "/",
        "",
        "..",
        "../secret",
        "a/../top",
        "a/../../secret",
        "./top",
        "a/./mid",
        ".",
        "a/.",
        "a/..",
        "top/",
        "a/",
        "a//mid",
        "a\\mid",
        "..\\secret",
        "\\",
        "top\0",
        "\0",
        "top\n",
        "top\r",
        "\u{1b}[2J",
        "top\u{7f}",
        "top\u{85}",
        "\u{9b}1m",
    ];
    for symlinks in [Symlinks::Deny, Symlinks::Inside] {
        for lookup in WAYS {
            let options = RootOptions { symlinks, hidden: true };
            let root = root(&outer, options, lookup);
            for name in names {
                assert_eq!(content(&root, name), None, "{name:?} {symlinks:?} {lookup:?}");
            }
        }
    }
}

#[test]
fn links_that_lead_out_are_not_found() {
    let outer = tree();
    let names = ["out", "a/out/secret", "loop", "magic", "absolute"];
    for symlinks in [Symlinks::Deny, Symlinks::Inside] {
        for lookup in WAYS {
            let root = root(&outer, RootOptions { symlinks, hidden: false }, lookup);
            for name in names {
                assert_eq!(content(&root, name), None, "{name:?} {symlinks:?} {lookup:?}");
            }
        }
    }
}

#[test]
fn links_inside_are_followed_only_if_told_so() {
    let outer = tree();
    let links = [
        ("near", "top"),
        ("a/inner", "a/b/deep"),
        ("folder-link/mid", "a/mid"),
        ("folder-link/b/deep", "a/b/deep"),
        ("a/up/top", "top"),
    ];
    let inside = RootOptions { symlinks: Symlinks::Inside, hidden: false };
    for (link, target) in links {
        for lookup in WAYS {
            let root = root(&outer, RootOptions::default(), lookup);
            assert_eq!(content(&root, link), None, "{link} {lookup:?}");
        }
        let followed = root(&outer, inside, Lookup::Openat2);
        assert_eq!(content(&followed, link).as_deref(), Some(target));
        let walked = root(&outer, inside, Lookup::Walk);
        assert_eq!(content(&walked, link), None, "the walk follows none: {link}");
    }
}

#[test]
fn hidden_names_are_found_only_if_told_so() {
    let outer = tree();
    for lookup in WAYS {
        for name in [".dot", ".hidden/file", "a/b/..x"] {
            let shy = root(&outer, RootOptions::default(), lookup);
            assert_eq!(content(&shy, name), None, "{name}");
            let options = RootOptions { hidden: true, ..RootOptions::default() };
            let open = root(&outer, options, lookup);
            assert_eq!(content(&open, name).as_deref(), Some(name));
        }
    }
}

#[test]
fn a_file_too_long_for_the_protocol_is_not_found() {
    let outer = tree();
    let path = outer.path().join("root/huge");
    let file = fs::File::create(&path).unwrap();
    let root = root(&outer, RootOptions::default(), Lookup::Openat2);
    file.set_len(u32::MAX.into()).unwrap();
    assert_eq!(open_file(&root, "huge").unwrap().len, u32::MAX);
    file.set_len(u64::from(u32::MAX) + 1).unwrap();
    assert!(
        matches!(open_file(&root, "huge"), Err(LookupError::NotFound(why)) if why.contains("R9"))
    );
}

#[test]
fn no_permission_is_not_found() {
    let outer = tree();
    let path = outer.path().join("root/top");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let root = root(&outer, RootOptions::default(), Lookup::Openat2);
    let found = content(&root, "top").is_some();
    assert_eq!(found, rustix::process::geteuid().is_root(), "root may read all");
}

#[test]
fn what_says_nothing_about_the_name_is_a_fault() {
    for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::IO, Errno::STALE] {
        assert!(matches!(LookupError::from(errno), LookupError::Fault(_)), "{errno}");
    }
    assert!(matches!(LookupError::from(Errno::AGAIN), LookupError::Busy), "it may pass");
}

#[test]
fn what_is_no_folder_is_not_served() {
    let outer = tree();
    let open = |name: &str| Root::open(outer.path().join(name), RootOptions::default());
    assert!(
        matches!(open("nowhere"), Err(RootError::Missing { path }) if path.ends_with("nowhere"))
    );
    assert!(matches!(open("secret"), Err(RootError::NotAFolder { .. })));
    assert!(open("root").is_ok());
}

#[test]
fn a_file_that_is_truncated_is_told_from_one_that_grows() {
    let outer = tree();
    let root = root(&outer, RootOptions::default(), Lookup::Cached);
    let opened = open_file(&root, "top").unwrap();
    let file = fs::File::options().write(true).open(outer.path().join("root/top")).unwrap();
    for (len, truncated) in [(3, false), (4, false), (2, true), (0, true)] {
        file.set_len(len).unwrap();
        assert_eq!(opened.was_truncated(), truncated, "{len} bytes");
    }
}

#[test]
fn a_folder_knows_whether_a_path_still_leads_to_it() {
    let outer = tree();
    let at = |name: &str| outer.path().join(name);
    symlink("root", at("link")).unwrap();
    let root = root(&outer, RootOptions::default(), Lookup::Cached);
    let leads = |name: &str| root.is_at(&at(name)).unwrap();
    assert!(leads("root") && leads("link"));
    assert!(!leads("root/a") && !leads("secret") && !leads("nowhere") && !leads("secret/x"));
    fs::rename(at("root"), at("renamed")).unwrap();
    assert!(!leads("root") && !leads("link") && leads("renamed"));
    fs::create_dir(at("root")).unwrap();
    assert!(!leads("root"), "another folder of the same name");
    let long = "x".repeat(5000);
    root.is_at(&at(&long)).expect_err("the system can't tell");
}

#[test]
fn a_removed_folder_is_nowhere_even_where_it_stays_open() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("root");
    fs::create_dir(&path).unwrap();
    let root = Root::open(&path, RootOptions::default()).unwrap();
    let open = fs::File::open(&path).unwrap();
    let still_open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    assert!(root.is_at(still_open.as_ref()).unwrap());
    fs::remove_dir(&path).unwrap();
    assert!(!root.is_at(still_open.as_ref()).unwrap());
    assert!(!root.is_at(&path).unwrap());
}
