//! Folders whose file system lacks a way to give a file its name, played by `strace`: the file gets
//! there by another way, or is refused before its first byte.

use std::fs;
use std::iter;
use std::path::Path;
use std::process::Command;

use fetchlet_test_kit::{
    Close, HELLO, LIMIT, ScriptedPeer, bare, built, installed, on_disk, output, skip, within,
};

use crate::assert_ended;

/// What is missing: nothing, RENAME_NOREPLACE (on NFS; in an old kernel; in a sandbox), and hard
/// links as well (FAT, some FUSE).
const MISSING: [&[&str]; 5] = [
    &["inject=linkat:error=EPERM"],
    &["inject=renameat2:error=EINVAL"],
    &["inject=renameat2:error=ENOSYS"],
    &["inject=renameat2:error=EPERM", "inject=linkat:error=EPERM"],
    &["inject=renameat2:error=EINVAL", "inject=linkat:error=EOPNOTSUPP"],
];

fn no_strace() -> bool {
    let Err(missing) = installed("strace") else { return false };
    skip("file systems that can't rename", &missing.to_string());
    true
}

fn get(folder: &Path, peer: &ScriptedPeer, injections: &[&str], arguments: &[&str]) -> Command {
    let mut strace = bare(installed("strace").unwrap());
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=/rename.*,/link.*"]);
    strace.args(injections.iter().flat_map(|injection| ["-e", injection]));
    strace.arg(built("fetchlet").unwrap()).args(["get", "127.0.0.1", &peer.port(), "f"]);
    strace.args(arguments).current_dir(folder);
    strace
}

#[test]
fn a_file_gets_its_name_by_whatever_way_there_is() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        for injections in MISSING {
            for old in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let peer = ScriptedPeer::answering(HELLO);
                if old {
                    fs::write(folder.path().join("f"), "old").unwrap();
                }
                let force = if old { &["--force"][..] } else { &[] };
                let ended = output(&mut get(folder.path(), &peer, injections, force));
                assert_ended(&ended, 0, "5 bytes", &format!("{injections:?}"));
                assert_eq!(on_disk(folder.path()), [("f".into(), b"hello".to_vec())]);
            }
        }
    });
}

#[test]
fn what_appears_meanwhile_stays_whatever_the_way() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        for injections in MISSING {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("f");
            let rest = iter::once_with(move || {
                fs::write(target, "theirs").unwrap();
                HELLO[9..].to_vec()
            });
            let peer = ScriptedPeer::start(iter::once(HELLO[..9].to_vec()).chain(rest), Close::Fin);
            let ended = output(&mut get(folder.path(), &peer, injections, &[]));
            assert_ended(&ended, 73, "exists", &format!("{injections:?}"));
            assert_eq!(on_disk(folder.path()), [("f".into(), b"theirs".to_vec())]);
        }
    });
}

/// The server sends nothing but the header: a client that began to read would meet its end.
#[test]
fn where_nothing_can_be_renamed_the_file_is_refused_before_its_first_byte() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        let nothing = ["inject=rename,renameat,renameat2:error=EOPNOTSUPP"];
        for arguments in [&[][..], &["--force"]] {
            let folder = tempfile::tempdir().unwrap();
            let peer = ScriptedPeer::answering(&HELLO[..8]);
            let ended = output(&mut get(folder.path(), &peer, &nothing, arguments));
            assert_ended(&ended, 23, "cannot rename a file in .: Operation not supported", "");
            assert_eq!(on_disk(folder.path()), []);
        }
    });
}
