//! Faults of the client's disk: no room, no permission to write, and targets that are no regular
//! files or appear during the download. File systems are mounted in namespaces that the tests make
//! for themselves.

use std::fs;
use std::io::{BufRead, BufReader};
use std::iter;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use fetchlet_test_kit::namespace::unshare_command;
use fetchlet_test_kit::{
    Close, LIMIT, RunningServer, ScriptedPeer, bare, built, fetchlet, installed, on_disk, output,
    random_bytes, skip, within,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::assert_ended;

/// Returns a response header that announces `len` bytes (R3).
fn header(len: u32) -> Vec<u8> {
    [b"\x49\x7E\x02\x01", &len.to_be_bytes()[..]].concat()
}

/// Serves `hello` once, and calls `meanwhile` after the first two bytes of the data.
fn hello(meanwhile: impl FnOnce() + Send + 'static) -> ScriptedPeer {
    let rest = || {
        meanwhile();
        b"llo".to_vec()
    };
    let first = [header(5), b"he".to_vec()].concat();
    ScriptedPeer::start(iter::once(first).chain(iter::once_with(rest)), Close::Fin)
}

/// The options of `unshare` for a process that may mount file systems.
const MOUNT: [&str; 2] = ["-r", "-m"];

/// Returns whether this user may not mount a file system, not even in a namespace, and reports the
/// tests as skipped then.
fn no_mounts() -> bool {
    let Err(refused) = unshare_command(&MOUNT) else { return false };
    skip("a disk of its own", &refused.to_string());
    true
}

/// Returns a command that runs `script` in a mount namespace of its own, in a file system of 1 MiB
/// and 64 inodes. In the script `$0` is the program and `$1` the server's port. At the end the
/// command prints each file that is left, with its first 20 bytes.
fn mounted(folder: &Path, script: &str, port: u16) -> Command {
    let mount = r#"set -e; mount -t tmpfs -o size=1m,nr_inodes=64 none "$2"; cd "$2"; "#;
    let end =
        r#"; for f in $(ls -A); do echo "$f $(head -c 20 "$f" | tr '\0' 0)"; done; exit $code"#;
    let script = [mount, script, end].concat();
    let mut unshare = unshare_command(&MOUNT).unwrap();
    unshare.args(["sh", "-c", &script]).arg(built("fetchlet").unwrap());
    unshare.arg(port.to_string()).arg(folder);
    unshare
}

#[track_caller]
fn assert_left(output: &Output, left: &str) {
    assert_eq!(String::from_utf8_lossy(&output.stdout), left);
}

/// The server sends only the header: a client that tried to read data would report an early end
/// instead.
#[test]
fn a_file_larger_than_the_disk_is_refused_before_its_first_byte() {
    if no_mounts() {
        return;
    }
    within(LIMIT, || {
        for (options, old) in [("", ""), ("--force", "f old\n")] {
            let folder = tempfile::tempdir().unwrap();
            let peer = ScriptedPeer::start([header(2 << 20)], Close::Fin);
            let script = format!(
                "{} code=0; $0 get 127.0.0.1 $1 f {options} || code=$?",
                if old.is_empty() { "" } else { "echo old > f;" }
            );
            let ended = output(&mut mounted(folder.path(), &script, peer.addr().port()));
            assert_ended(&ended, 23, "No space left on device", options);
            assert_left(&ended, old);
        }
    });
}

#[test]
fn a_full_disk_ends_with_23_and_nothing_is_left() {
    if no_mounts() {
        return;
    }
    within(LIMIT, || {
        for (fill, left) in [
            // First there is no room for data, then no inode for a further file.
            ("dd if=/dev/zero of=full bs=4k 2> dd || true; rm dd;", "full 00000000000000000000\n"),
            ("mkdir d; (i=0; while : > d/$i; do i=$((i+1)); done) 2> /dev/null || true;", "d \n"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let peer = hello(|| ());
            let script = format!("{fill} code=0; $0 get 127.0.0.1 $1 f || code=$?");
            let ended = output(&mut mounted(folder.path(), &script, peer.addr().port()));
            assert_ended(&ended, 23, "No space left on device", fill);
            assert_left(&ended, left);
        }
    });
}

/// There is room when the download begins; another process fills the disk while the server sends.
#[test]
fn a_disk_that_fills_up_meanwhile_ends_with_23_and_nothing_is_left() {
    if no_mounts() {
        return;
    }
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let (full, filled) = mpsc::channel::<()>();
        let rest = move || {
            filled.recv().unwrap();
            vec![7; 600_000]
        };
        let first = [header(700_000), vec![7; 100_000]].concat();
        let pieces = iter::once(first).chain(iter::once_with(rest));
        let peer = ScriptedPeer::start(pieces, Close::Fin);
        let script = "echo old > f; $0 get 127.0.0.1 $1 f --force & \
            until [ -n \"$(find . -name '.f.part-*' -size +0)\" ]; do sleep 0.02; done; \
            dd if=/dev/zero of=full bs=4k 2> /dev/null || true; echo filled; \
            code=0; wait $! || code=$?; rm full";
        let mut unshare = mounted(folder.path(), script, peer.addr().port());
        let mut child = unshare.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "filled\n");
        full.send(()).unwrap();
        let left: Vec<_> = stdout.lines().map(Result::unwrap).collect();
        let ended = child.wait_with_output().unwrap();
        assert_ended(&ended, 23, "No space left on device", "it filled up");
        assert_eq!(left, ["f old"]);
    });
}

/// The write fails in the thread that writes while the next bytes are read.
#[test]
fn a_limit_on_file_sizes_within_a_large_file_ends_with_23() {
    within(LIMIT, || {
        let served = tempfile::tempdir().unwrap();
        fs::write(served.path().join("f"), random_bytes(2, 3_000_000)).unwrap();
        let server = RunningServer::start(served.path());
        // In units of 512 bytes: within the first buffer, at the end of the first buffer, and
        // later.
        for limit in [1, 512, 513, 3000] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("f"), "old").unwrap();
            let mut shell = bare(installed("sh").unwrap());
            let script = format!("ulimit -f {limit}; exec $0 get 127.0.0.1 $1 f --force");
            shell
                .args(["-c", &script])
                .arg(built("fetchlet").unwrap())
                .arg(server.port().to_string());
            let ended = output(shell.current_dir(&folder));
            assert_ended(&ended, 23, "File too large", &script);
            assert_eq!(on_disk(folder.path()), [("f".into(), b"old".to_vec())]);
        }
    });
}

#[test]
fn a_file_system_that_is_read_only_ends_with_23() {
    if no_mounts() {
        return;
    }
    within(LIMIT, || {
        for options in ["-o g", "--force"] {
            let folder = tempfile::tempdir().unwrap();
            let peer = hello(|| ());
            let script = format!(
                "echo old > f; mount -o remount,ro none \"$2\"; \
                 code=0; $0 get 127.0.0.1 $1 f {options} || code=$?"
            );
            let ended = output(&mut mounted(folder.path(), &script, peer.addr().port()));
            assert_ended(&ended, 23, "mounted read-only", options);
            assert_left(&ended, "f old\n");
        }
    });
}

/// A function that makes an entry of some kind at a path.
type Make = fn(&Path);

/// A link to nothing.
const LINK: Make = |path| symlink("nowhere", path).unwrap();
/// A link to a folder.
const LINK_TO_FOLDER: Make = |path| symlink(".", path).unwrap();
/// A link to a device.
const LINK_TO_DEVICE: Make = |path| symlink("/dev/null", path).unwrap();
/// A folder.
const FOLDER: Make = |path| fs::create_dir(path).unwrap();
/// A socket.
const SOCKET: Make = |path| drop(UnixListener::bind(path).unwrap());
/// A pipe.
const PIPE: Make = |path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();

fn get_hello(folder: &Path, peer: &ScriptedPeer, options: &[&str]) -> Output {
    let mut get = fetchlet();
    get.args(["get", "127.0.0.1", &peer.addr().port().to_string(), "f"]).args(options);
    output(get.current_dir(folder))
}

fn only_entry(folder: &Path) -> fs::FileType {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(entries.len() == 1 && entries[0].file_name() == "f", "{entries:?}");
    entries[0].file_type().unwrap()
}

#[test]
fn what_appears_at_the_target_meanwhile_stays_there() {
    within(LIMIT, || {
        for (what, make, forced) in [
            ("a link", LINK, 0),
            ("a link to a folder", LINK_TO_FOLDER, 73),
            ("a link to a device", LINK_TO_DEVICE, 73),
            ("a folder", FOLDER, 73),
            ("a socket", SOCKET, 73),
            ("a pipe", PIPE, 73),
        ] {
            for (options, code) in [(&[][..], 73), (&["--force"], forced)] {
                let folder = tempfile::tempdir().unwrap();
                let target = folder.path().join("f");
                let peer = hello(move || make(&target));
                let ended = get_hello(folder.path(), &peer, options);
                assert_ended(&ended, code, "", what);
                // Only a link to a file or to nothing is ever replaced, and only with `--force`.
                assert_eq!(only_entry(folder.path()).is_file(), code == 0, "{what}");
            }
        }
    });
}

/// Nobody listens at the socket; whoever does is written to.
#[test]
fn what_is_no_file_is_refused_before_connecting_though_forced() {
    within(LIMIT, || {
        for (what, make, code, said) in [
            ("a socket", SOCKET, 23, "cannot write to f: Connection refused"),
            ("a folder", FOLDER, 73, "f is not a regular file"),
            ("a link to a folder", LINK_TO_FOLDER, 73, "f is not a regular file"),
        ] {
            for options in [&[][..], &["--force"]] {
                let folder = tempfile::tempdir().unwrap();
                make(&folder.path().join("f"));
                let peer = ScriptedPeer::start([], Close::Fin);
                let ended = get_hello(folder.path(), &peer, options);
                assert_ended(&ended, code, said, what);
                assert!(!only_entry(folder.path()).is_file(), "{what}");
            }
        }
    });
}

/// The target of the link is not touched.
#[test]
fn a_link_to_a_file_or_to_nothing_is_replaced_if_forced_and_never_followed() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        LINK(&folder.path().join("f"));
        let ended = get_hello(folder.path(), &hello(|| ()), &[]);
        assert_ended(&ended, 73, "exists", "nothing");
        assert!(only_entry(folder.path()).is_symlink());
        let ended = get_hello(folder.path(), &hello(|| ()), &["--force"]);
        assert_ended(&ended, 0, "", "nothing");
        assert_eq!(on_disk(folder.path()), [("f".into(), b"hello".to_vec())]);
    });
}
