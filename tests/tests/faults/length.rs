//! Files whose file system tells another length than what is in them: their content is read first.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fetchlet_test_kit::{
    FuseFile, FuseMount, LIMIT, NOT_FOUND, ServeProcess, exchange, random_bytes, request, response,
    skip, within,
};

fn served(root: &str, name: &str) -> Vec<u8> {
    let server = ServeProcess::start(Path::new(root), &["-q"]).unwrap();
    exchange(server.addr(), &request(name.as_bytes())).unwrap()
}

#[test]
fn what_the_kernel_makes_when_it_is_read_arrives_whole() {
    within(LIMIT, || {
        for (root, name) in [
            ("/proc/sys/kernel", "ostype"),
            ("/proc", "version"),
            ("/proc", "filesystems"),
            ("/sys/kernel", "uevent_seqnum"),
            ("/sys/kernel/mm/transparent_hugepage", "enabled"),
        ] {
            let path = Path::new(root).join(name);
            // Not every kernel has each of them; all have the first ones.
            let Ok(content) = fs::read(&path) else {
                assert!(root.starts_with("/sys"), "{path:?}");
                continue;
            };
            assert!(!content.is_empty() && content.len() < 4096, "{path:?}");
            assert_eq!(served(root, name), response(&content), "{path:?}");
        }
    });
}

#[test]
fn what_has_no_length_and_no_end_in_sight_is_not_found() {
    within(LIMIT, || {
        let len = fs::read("/proc/kallsyms").map_or(0, |content| content.len());
        if len <= 1 << 20 {
            return skip("a long file of unknown length", "this kernel has none");
        }
        assert_eq!(served("/proc", "kallsyms"), NOT_FOUND);
    });
}

/// By a file system below the folder, where each claim is tried.
#[test]
fn a_length_that_is_wrong_is_not_announced() {
    within(LIMIT, || {
        let lengths = [
            ("empty", 0, 0),
            ("all", 6, 0),
            ("few", 6, 4096),
            ("few-of-many", 6, 100_000),
            ("more", 5000, 6),
            ("mebibyte", 1 << 20, 0),
            ("too-long", (1 << 20) + 1, 0),
            ("true", 6, 6),
            ("true-large", 300_000, 300_000),
        ];
        let content = |len| random_bytes(len as u64, len);
        let files = lengths.map(|(name, len, claimed_len)| FuseFile {
            name,
            content: content(len),
            claimed_len,
        });
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("fuse");
        fs::create_dir(&at).unwrap();
        let fuse = match FuseMount::new(&at, files.into(), Duration::ZERO) {
            Ok(fuse) => fuse,
            Err(error) => return skip("a file system that lies", &error.to_string()),
        };
        for root in [folder.path(), &at] {
            let server = ServeProcess::start(root, &["-q"]).unwrap();
            for (name, len, _) in lengths {
                let path = if root == at { name.into() } else { format!("fuse/{name}") };
                let answer = exchange(server.addr(), &request(path.as_bytes())).unwrap();
                let expected = match name {
                    "too-long" => NOT_FOUND.into(),
                    _ => response(&content(len)),
                };
                assert!(answer == expected, "{path}: {} of {} bytes", answer.len(), expected.len());
            }
        }
        drop(fuse);
    });
}
