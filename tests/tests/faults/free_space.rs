//! What a file system says of its free space, and whether that is a reason to refuse a file:
//! `strace` changes the answer of `fstatfs` before the client sees it.

use std::path::Path;
use std::process::Command;

use fetchlet_test_kit::{
    HELLO, LIMIT, ScriptedPeer, bare, built, installed, on_disk, output, skip, within,
};

use crate::assert_ended;

/// `EXT4_SUPER_MAGIC` of `linux/magic.h`.
const EXT4: u64 = 0xef53;
/// `TMPFS_MAGIC` of `linux/magic.h`.
const TMPFS: u64 = 0x0102_1994;
/// `BTRFS_SUPER_MAGIC` of `linux/magic.h`.
const BTRFS: u64 = 0x9123_683e;
/// `FUSE_SUPER_MAGIC` of `linux/magic.h`.
const FUSE: u64 = 0x6573_5546;

/// An answer of `fstatfs`, as a 64-bit system has it in memory: type, block size, then numbers of
/// blocks: all, free, and free for who is not root.
fn answer(file_system: u64, blocks: u64, free: u64, available: u64) -> String {
    let words = [file_system, 4096, blocks, free, available];
    let bytes = words.iter().flat_map(|word| word.to_ne_bytes());
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn get(folder: &Path, peer: &ScriptedPeer, injections: &[String]) -> Command {
    let mut strace = bare(installed("strace").unwrap());
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fstatfs,fallocate"]);
    strace.args(injections.iter().flat_map(|it| ["-e", it]));
    strace.arg(built("fetchlet").unwrap()).args(["get", "127.0.0.1", &peer.port(), "f"]);
    strace.current_dir(folder);
    strace
}

fn not_tried() -> bool {
    match installed("strace") {
        Err(missing) => skip("answers of fstatfs", &missing.to_string()),
        Ok(_) if cfg!(not(target_pointer_width = "64")) => {
            skip("answers of fstatfs", "they look otherwise where a word has 32 bits");
        }
        Ok(_) => return false,
    }
    true
}

#[test]
fn what_may_succeed_is_tried() {
    if not_tried() {
        return;
    }
    within(LIMIT, || {
        for (what, answer) in [
            ("root's share is left", answer(EXT4, 1000, 1000, 0)),
            ("a quota that may not bind", answer(EXT4, 1000, 0, 0)),
            ("what is written is compressed", answer(BTRFS, 1000, 0, 0)),
            ("nobody knows what is behind it", answer(FUSE, 1000, 0, 0)),
            ("no bound, which it tells by zeros", answer(TMPFS, 0, 0, 0)),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let peer = ScriptedPeer::answering(HELLO);
            let inject = format!("inject=fstatfs:poke_exit=@arg2={answer}");
            let ended = output(&mut get(folder.path(), &peer, &[inject]));
            assert_ended(&ended, 0, "5 bytes", what);
            assert_eq!(on_disk(folder.path()), [("f".into(), b"hello".to_vec())], "{what}");
        }
    });
}

/// The server sends nothing but the header: a client that began to read would meet its end.
#[test]
fn what_can_not_succeed_is_refused_before_the_first_byte() {
    if not_tried() {
        return;
    }
    within(LIMIT, || {
        for (file_system, refusal, said) in [
            (TMPFS, None, "No space left on device"),
            (EXT4, Some("ENOSPC"), "No space left on device"),
            (EXT4, Some("EDQUOT"), "Disk quota exceeded"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let peer = ScriptedPeer::answering(&HELLO[..8]);
            let answer = answer(file_system, 1000, 0, 0);
            let mut injections = vec![format!("inject=fstatfs:poke_exit=@arg2={answer}")];
            injections.extend(refusal.map(|it| format!("inject=fallocate:error={it}")));
            let ended = output(&mut get(folder.path(), &peer, &injections));
            assert_ended(&ended, 23, said, said);
            assert_eq!(on_disk(folder.path()), [], "{said}");
        }
    });
}
