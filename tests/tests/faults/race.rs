//! Names that change all the time between a file inside the root and a link to a secret outside: no
//! response contains the secret (R8), whether the kernel guards the lookup (openat2) or the
//! fallback does.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    LIMIT, NOT_FOUND, ServeProcess, bare, built, exchange, installed, request, within,
};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

/// How long the names are swapped and requested.
const RACE: Duration = Duration::from_secs(5);
/// The content of every file outside the root.
const SECRET: &[u8] = b"this must never be sent";
/// The response for every file inside the root.
const INSIDE: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x07inside!";

/// The two names of a pair are exchanged atomically: one is a file or folder inside, the other a
/// link to outside.
const PAIRS: [(&str, &str); 2] = [("file", "link"), ("folder", "link-to-folder")];
/// The names that are requested.
const NAMES: [&str; 4] = ["file", "link", "folder/file", "link-to-folder/file"];

fn tree() -> (TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::create_dir_all(root.join("folder")).unwrap();
    fs::create_dir(outer.path().join("outside")).unwrap();
    fs::write(outer.path().join("outside/file"), SECRET).unwrap();
    fs::write(root.join("file"), "inside!").unwrap();
    fs::write(root.join("folder/file"), "inside!").unwrap();
    symlink("../outside/file", root.join("link")).unwrap();
    symlink("../outside", root.join("link-to-folder")).unwrap();
    (outer, root)
}

/// Serves a folder in a process where openat2 fails with this error.
fn without_openat2(errno: &str, root: &Path, options: &[&str]) -> ServeProcess {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/no_openat2.py");
    let mut python = bare(installed("python3").unwrap());
    python.args(["-B", script, errno]).arg(built("fetchlet").unwrap());
    python.args(["serve", "--root"]).arg(root).args(options).arg("0");
    ServeProcess::run(python).unwrap()
}

/// Requests the names until `over` is set. Returns how often a name led to the file inside, and how
/// often to no file.
fn fetch_until(over: &AtomicBool, server: SocketAddr) -> [usize; 2] {
    let mut seen = [0; 2];
    while !over.load(Ordering::Relaxed) {
        for name in NAMES {
            match exchange(server, &request(name.as_bytes())).unwrap() {
                answer if answer == INSIDE => seen[0] += 1,
                answer if answer == NOT_FOUND => seen[1] += 1,
                answer => panic!("{name}: {}", answer.escape_ascii()),
            }
        }
    }
    seen
}

fn swap_for(time: Duration, root: &Path) -> usize {
    let start = Instant::now();
    let mut swaps = 0;
    while start.elapsed() < time {
        for (one, other) in PAIRS {
            let (one, other) = (root.join(one), root.join(other));
            renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
            swaps += 1;
        }
    }
    swaps
}

#[test]
fn a_name_swapped_between_a_file_and_a_link_outside_never_leads_outside() {
    within(LIMIT, || {
        let (_outer, root) = tree();
        let follow = ["-q", "--symlinks", "inside"];
        let servers = [
            ServeProcess::start(&root, &["-q"]).unwrap(),
            ServeProcess::start(&root, &follow).unwrap(),
            without_openat2("ENOSYS", &root, &["-q"]),
        ];
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let fetch = |it: &ServeProcess| {
                let (over, addr) = (&over, it.addr());
                scope.spawn(move || fetch_until(over, addr))
            };
            let clients = servers.each_ref().map(fetch);
            let swaps = swap_for(RACE, &root);
            over.store(true, Ordering::Relaxed);
            assert!(swaps > 1000, "{swaps} swaps are no race");
            for client in clients {
                let [inside, nowhere] = client.join().unwrap();
                assert!(inside > 100 && nowhere > 100, "{inside} and {nowhere} are no race");
            }
        });
    });
}

/// If openat2 were not refused, the race above would test the same lookup three times.
#[test]
fn a_system_without_openat2_is_noticed_and_links_are_not_followed() {
    within(LIMIT, || {
        let (_outer, root) = tree();
        symlink("file", root.join("link-inside")).unwrap();
        for errno in ["ENOSYS", "EPERM"] {
            let server = without_openat2(errno, &root, &["--symlinks", "inside"]);
            server.logged("lacks openat2");
            for (name, answer) in
                [("file", INSIDE), ("folder/file", INSIDE), ("link-inside", NOT_FOUND)]
            {
                assert_eq!(exchange(server.addr(), &request(name.as_bytes())).unwrap(), answer);
            }
        }
        let server = ServeProcess::start(&root, &["--symlinks", "inside"]).unwrap();
        assert_eq!(exchange(server.addr(), &request(b"link-inside")).unwrap(), INSIDE);
    });
}
