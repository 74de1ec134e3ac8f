//! Errors that come late: at the close of what was written, and at the sync of the file and of its
//! folder. `strace` plays the file systems (NFS, FUSE, quotas) that report them there.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use fetchlet_test_kit::{
    Close, HELLO, LIMIT, ScriptedPeer, bare, built, installed, on_disk, output, skip, within,
};
use tempfile::TempDir;

use crate::assert_ended;

fn no_strace() -> bool {
    let Err(missing) = installed("strace") else { return false };
    skip("errors that come at a close", &missing.to_string());
    true
}

/// `fetchlet` in a folder, under strace with these options, with these arguments.
fn traced(folder: &Path, options: &[&str], arguments: &[&str]) -> Command {
    let mut strace = bare(installed("strace").unwrap());
    strace.args(["-f", "-qq"]).args(options).arg(built("fetchlet").unwrap()).args(arguments);
    strace.current_dir(folder);
    strace
}

fn get(folder: &Path, options: &[&str], arguments: &[&str]) -> Command {
    let peer = ScriptedPeer::start([HELLO.to_vec()], Close::Fin);
    let get = ["get", "127.0.0.1", &peer.port(), "f"];
    traced(folder, options, &[&get, arguments].concat())
}

/// Which of its thread's closes is that of a descriptor whose path holds `name`, counted from 1:
/// found by watching a run.
fn closes_of(name: &str, arguments: &[&str]) -> Vec<usize> {
    let [folder, logs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let log = logs.path().join("log");
    let options = ["-y", "-e", "trace=close", "-o", log.to_str().unwrap()];
    assert_ended(&output(&mut get(folder.path(), &options, arguments)), 0, "", "undisturbed");
    let mut counts = HashMap::new();
    let mut found = Vec::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        if !call.trim_start().starts_with("close(") {
            continue;
        }
        let count = counts.entry(thread.to_owned()).or_insert(0);
        *count += 1;
        if call.contains(&format!("{}/{name}", folder.path().display())) {
            found.push(*count);
        }
    }
    found
}

fn failing_close(nth: usize, arguments: &[&str]) -> (TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    if arguments.contains(&"--force") {
        fs::write(folder.path().join("f"), "old").unwrap();
    }
    let inject = format!("inject=close:error=EDQUOT:when={nth}");
    let options = ["-o", "/dev/null", "-e", "trace=close", "-e", &inject];
    let ended = output(&mut get(folder.path(), &options, arguments));
    (folder, ended)
}

#[test]
fn an_error_at_any_close_of_the_file_ends_with_23_and_leaves_what_there_was() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        for arguments in [&[][..], &["--no-sync"], &["--force"], &["--force", "--no-sync"]] {
            // By whatever name it is closed.
            let mut closes = closes_of(".f.part-", arguments);
            closes.extend(closes_of("f>", arguments));
            assert!(!closes.is_empty(), "{arguments:?}: it is never closed");
            for nth in closes {
                let (folder, ended) = failing_close(nth, arguments);
                assert_ended(&ended, 23, "cannot write f: Disk quota exceeded", "at the close");
                let old = arguments.contains(&"--force").then(|| ("f".into(), b"old".to_vec()));
                assert_eq!(on_disk(folder.path()), Vec::from_iter(old), "{arguments:?}");
            }
        }
    });
}

/// Of the file's data, of a checksum, and of texts.
#[test]
fn an_error_at_a_close_of_stdout_ends_with_23() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        for (arguments, said) in [
            (&["-o", "-"][..], "that is stdout"),
            (&["-o", "/dev/fd/1"], "that is stdout"),
            (&["--print-checksum"], "cannot write to stdout"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("out");
            let stdout = File::create(&out).unwrap();
            let options =
                ["-o", "/dev/null", "-P", out.to_str().unwrap(), "-e", "inject=close:error=EIO"];
            let ended = output(get(folder.path(), &options, arguments).stdout(stdout));
            assert_ended(&ended, 23, "Input/output error", said);
            assert_ended(&ended, 23, said, "where");
        }
        for arguments in [&["man"][..], &["completions", "bash"], &["--help"], &["--version"]] {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("out");
            let stdout = File::create(&out).unwrap();
            let options =
                ["-o", "/dev/null", "-P", out.to_str().unwrap(), "-e", "inject=close:error=EIO"];
            let ended = output(traced(folder.path(), &options, arguments).stdout(stdout));
            assert_ended(&ended, 23, "cannot write to stdout", &format!("{arguments:?}"));
        }
    });
}

/// The first sync is the file's, the second its folder's.
#[test]
fn an_error_at_a_sync_ends_with_23() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        for (nth, said, left) in [
            (1, "cannot write f: Input/output error", &b"old"[..]),
            (2, "f is whole and in place, but its folder could not be synced", b"hello"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("f"), "old").unwrap();
            let inject = format!("inject=fsync:error=EIO:when={nth}");
            let options = ["-o", "/dev/null", "-e", "trace=fsync", "-e", &inject];
            let ended = output(&mut get(folder.path(), &options, &["--force"]));
            assert_ended(&ended, 23, said, "at a sync");
            assert_eq!(on_disk(folder.path()), [("f".into(), left.to_vec())]);
        }
    });
}
