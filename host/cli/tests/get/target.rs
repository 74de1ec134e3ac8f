//! What is on disk after a success and after each failure.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;

use fetchlet_test_kit::{HELLO, listener, on_disk, response};
use tempfile::TempDir;

use crate::harness::{answering, assert_ended, finish, get, program, script, shell};

#[test]
fn a_new_file_has_the_mode_that_the_umask_leaves() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let peer = answering(HELLO);
    let script = format!("umask 027; exec \"$0\" get 127.0.0.1 {} h.txt", peer.port());
    assert_ended(&finish(shell(&dir, &script)), 0, "");
    let mode = dir.path().join("h.txt").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_folder_that_is_missing_ends_with_23() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "-o", "nowhere/h.txt"]);
    assert_ended(&output, 23, "create the folder first");
    fs::write(dir.path().join("file"), "").unwrap();
    for there_is_one in ["file/h.txt", "/proc/h.txt"] {
        let output = get(&dir, answering(HELLO), &["h.txt", "-o", there_is_one]);
        assert_ended(&output, 23, "; choose ");
    }
}

/// A folder without read permission can't be opened for a sync. The download succeeds without one.
#[test]
fn a_folder_that_can_not_be_read_is_written_all_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o333)).unwrap();
    let mut command = program(&dir, answering(HELLO), &["h.txt"]);
    if rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    let output = finish(command);
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    assert_ended(&output, 0, "");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_limit_on_file_sizes_ends_with_23_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let peer = answering(&response(&[7; 4096]));
    let script = format!("ulimit -f 1; exec \"$0\" get 127.0.0.1 {} h.txt", peer.port());
    assert_ended(
        &finish(shell(&dir, &script)),
        23,
        "cannot write h.txt: File too large (os error 27); a limit",
    );
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn an_existing_target_ends_with_73_before_connecting() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    let nobody = listener();
    assert_ended(&get(&dir, nobody.local_addr().unwrap(), &["h.txt"]), 73, "--force");
    nobody.set_nonblocking(true).unwrap();
    assert!(nobody.accept().is_err(), "it connected");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
}

#[test]
fn a_target_that_appears_meanwhile_ends_with_73_and_stays() {
    let dir = TempDir::new().unwrap();
    let target = dir.path().join("h.txt");
    let peer = script(move |mut peer| {
        peer.write_all(&HELLO[..9])?;
        fs::write(target, "theirs")?;
        peer.write_all(&HELLO[9..])
    });
    assert_ended(&get(&dir, peer, &["h.txt"]), 73, "exists");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"theirs".to_vec())]);
}

#[test]
fn force_replaces_a_file_and_a_link_but_not_what_the_link_leads_to() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    symlink("h.txt", dir.path().join("link")).unwrap();
    assert_ended(&get(&dir, answering(HELLO), &["x", "-f", "-o", "link"]), 0, "");
    assert!(!dir.path().join("link").is_symlink());
    let [link, file] = [("link".into(), b"hello".to_vec()), ("h.txt".into(), b"old".to_vec())];
    assert_eq!(on_disk(&dir), [file, link.clone()]);
    assert_ended(&get(&dir, answering(HELLO), &["h.txt", "--force"]), 0, "");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec()), link]);
}

#[test]
fn a_forced_download_that_fails_leaves_the_old_file() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    assert_ended(&get(&dir, answering(&HELLO[..12]), &["h.txt", "--force"]), 18, "");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
}

#[test]
fn folders_are_never_replaced_and_devices_are_written_to() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for force in [&[][..], &["--force"]] {
        let arguments = [&["h.txt", "-o", "folder"], force].concat();
        assert_ended(&get(&dir, answering(HELLO), &arguments), 73, "not a regular file");
    }
    let output = get(&dir, answering(HELLO), &["h.txt", "-o", "/dev/null"]);
    assert_ended(&output, 0, "5 bytes to /dev/null");
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "-o", "dangling"]);
    assert_ended(&output, 73, "exists");
}
