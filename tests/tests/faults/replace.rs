//! What `--force` replaces: the new file has the permissions of the old one, and what can't be
//! replaced is told before the download.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use fetchlet_test_kit::{
    HELLO, LIMIT, ScriptedPeer, bare, built, fetchlet, installed, on_disk, output, skip, until,
    within,
};
use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::io::Errno;
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::assert_ended;

/// Some user who is neither root nor the one who runs this: nobody, in most systems.
const ANOTHER: u32 = 65534;

/// A folder that everybody may enter, with an old `f` in it.
fn folder_with_old(mode: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("f"), "old").unwrap();
    fs::set_permissions(folder.path().join("f"), Permissions::from_mode(mode)).unwrap();
    folder
}

fn forced(folder: &Path, peer: &ScriptedPeer) -> Command {
    let mut get = fetchlet();
    get.args(["get", "127.0.0.1", &peer.port(), "f", "--force"]).current_dir(folder);
    get
}

fn replace(folder: &Path) -> fs::Metadata {
    let ended = output(&mut forced(folder, &ScriptedPeer::answering(HELLO)));
    assert_ended(&ended, 0, "5 bytes", "a forced download");
    assert_eq!(on_disk(folder), [("f".into(), b"hello".to_vec())]);
    folder.join("f").metadata().unwrap()
}

/// Refused, and nobody was connected to.
#[track_caller]
fn assert_refused(run: impl FnOnce(&str) -> Output, said: &str) {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let ended = run(&nobody.local_addr().unwrap().port().to_string());
    assert_ended(&ended, 23, said, said);
    nobody.set_nonblocking(true).unwrap();
    assert!(nobody.accept().is_err(), "it connected");
}

#[test]
fn the_mode_of_what_is_replaced_stays() {
    within(LIMIT, || {
        // Also what the umask would take; not what another content was trusted with.
        for (old, new) in [(0o600, 0o600), (0o666, 0o666), (0o751, 0o751), (0o4755, 0o755)] {
            let folder = folder_with_old(old);
            assert_eq!(replace(folder.path()).mode() & 0o7777, new, "{old:o}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("other"), "old").unwrap();
        // No umask leaves this one to a new file.
        fs::set_permissions(folder.path().join("other"), Permissions::from_mode(0o700)).unwrap();
        symlink("other", folder.path().join("f")).unwrap();
        let ended = output(&mut forced(folder.path(), &ScriptedPeer::answering(HELLO)));
        assert_ended(&ended, 0, "5 bytes", "a link");
        let mode = |name| folder.path().join(name).symlink_metadata().unwrap().mode();
        assert_ne!(mode("f"), mode("other"), "a link has no mode of its own");
    });
}

/// A secret is not open to others while it is on its way.
#[test]
fn the_unfinished_file_is_no_more_open_than_what_it_replaces() {
    within(LIMIT, || {
        let folder = folder_with_old(0o600);
        let path = folder.path().to_owned();
        let peer = ScriptedPeer::run(move |mut connection| {
            connection.write_all(&HELLO[..9])?;
            let staging = until(LIMIT, || {
                let mut entries = fs::read_dir(&path).unwrap().flatten();
                entries.find(|it| it.file_name().as_encoded_bytes().starts_with(b".f.part-"))
            });
            assert_eq!(staging.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
            connection.write_all(&HELLO[9..])
        });
        assert_ended(&output(&mut forced(folder.path(), &peer)), 0, "5 bytes", "seen meanwhile");
        peer.request();
    });
}

#[test]
fn owner_and_group_stay_where_the_system_allows() {
    within(LIMIT, || {
        let folder = folder_with_old(0o640);
        if let Err(refused) = chown(folder.path().join("f"), Some(12345), Some(54321)) {
            return skip("a file of another owner", &refused.to_string());
        }
        let new = replace(folder.path());
        assert_eq!((new.uid(), new.gid(), new.mode() & 0o777), (12345, 54321, 0o640));
        // One who may not give files away owns what he has written.
        let folder = folder_with_old(0o640);
        chown(&folder, Some(ANOTHER), Some(ANOTHER)).unwrap();
        let peer = ScriptedPeer::answering(HELLO);
        let ended = output(forced(folder.path(), &peer).uid(ANOTHER).gid(ANOTHER));
        assert_ended(&ended, 0, "5 bytes", "as another user");
        let new = folder.path().join("f").metadata().unwrap();
        assert_eq!((new.uid(), new.gid(), new.mode() & 0o777), (ANOTHER, ANOTHER, 0o640));
    });
}

/// An access control list as the attribute holds it (the kernel's posix_acl_xattr.h): the owner,
/// one more user, the group, the mask, all others.
fn list(user: u32, rights: u16) -> Vec<u8> {
    let undefined = u32::MAX;
    let entries = [
        (1_u16, 6_u16, undefined),
        (2, rights, user),
        (4, 0, undefined),
        (16, 6, undefined),
        (32, 0, undefined),
    ];
    let bytes = entries.iter().flat_map(|(tag, rights, id)| {
        [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
    });
    2_u32.to_le_bytes().into_iter().chain(bytes).collect()
}

#[test]
fn an_access_control_list_stays_and_none_comes_from_the_folder() {
    const ACCESS: &str = "system.posix_acl_access";
    const DEFAULT: &str = "system.posix_acl_default";
    within(LIMIT, || {
        let read = |folder: &TempDir| {
            let mut found = [0; 1024];
            getxattr(folder.path().join("f"), ACCESS, &mut found[..])
                .map(|len| found[..len].to_vec())
        };
        let folder = folder_with_old(0o600);
        let kept = list(12345, 6);
        if let Err(error) = setxattr(folder.path().join("f"), ACCESS, &kept, XattrFlags::empty()) {
            return skip("an access control list", &error.to_string());
        }
        // The group's bits are the mask now: without the list they would be rights of the group.
        assert_eq!(replace(folder.path()).mode() & 0o777, 0o660);
        assert_eq!(read(&folder), Ok(kept));

        let folder = folder_with_old(0o660);
        setxattr(folder.path(), DEFAULT, &list(23456, 6), XattrFlags::empty()).unwrap();
        assert_eq!(read(&folder), Err(Errno::NODATA));
        assert_eq!(replace(folder.path()).mode() & 0o777, 0o660);
        assert_eq!(read(&folder), Err(Errno::NODATA));
    });
}

#[test]
fn a_mount_point_is_told_before_connecting() {
    within(LIMIT, || {
        let folder = folder_with_old(0o644);
        fs::write(folder.path().join("other"), "mounted").unwrap();
        let script = "mount --bind other f || exit 99; exec \"$0\" get 127.0.0.1 $1 f --force";
        let run = |script: &str, port: &str| {
            let mut unshare = bare(installed("unshare").unwrap());
            unshare.args(["-r", "-m", "sh", "-c", script]).arg(built("fetchlet").unwrap());
            output(unshare.arg(port).current_dir(&folder))
        };
        let tried = run("mount --bind other f", "0");
        if !tried.status.success() {
            return skip("a file that is mounted", &String::from_utf8_lossy(&tried.stderr));
        }
        assert_refused(|port| run(script, port), "cannot replace f: it is a mount point");
    });
}

#[test]
fn an_immutable_file_is_told_before_connecting() {
    within(LIMIT, || {
        for flag in ["i", "a"] {
            let folder = folder_with_old(0o644);
            let file = folder.path().join("f");
            if let Err(refused) = chattr(&format!("+{flag}"), &file) {
                return skip("an immutable file", &refused);
            }
            let _mutable = Mutable(&file, format!("-{flag}"));
            let run = |port: &str| {
                let mut get = fetchlet();
                get.args(["get", "127.0.0.1", port, "f", "--force"]).current_dir(&folder);
                output(&mut get)
            };
            assert_refused(run, "cannot replace f: it is immutable or append-only");
        }
    });
}

fn chattr(change: &str, file: &Path) -> Result<(), String> {
    let program = installed("chattr").map_err(|missing| missing.to_string())?;
    let ended = output(bare(program).arg(change).arg(file));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    if ended.status.success() { Ok(()) } else { Err(said) }
}

/// Makes a file one that can be removed again, however its test ends.
struct Mutable<'a>(&'a Path, String);

impl Drop for Mutable<'_> {
    fn drop(&mut self) {
        chattr(&self.1, self.0).ok();
    }
}

/// As somebody who is neither root nor the owner.
#[test]
fn folders_that_forbid_it_are_told_before_connecting() {
    within(LIMIT, || {
        if !geteuid().is_root() {
            return skip("folders of another user", "only root can act as two users");
        }
        for (mode, said) in [
            (0o755, "cannot write to .: Permission denied"),
            (0o1777, "cannot replace f: it is another user's, in a folder with the sticky bit"),
        ] {
            let folder = folder_with_old(0o666);
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            let run = |port: &str| {
                let mut get = fetchlet();
                get.args(["get", "127.0.0.1", port, "f", "--force"]).current_dir(&folder);
                output(get.uid(ANOTHER).gid(ANOTHER))
            };
            assert_refused(run, said);
            // Root may, all the same.
            replace(folder.path());
        }
    });
}

#[test]
fn a_name_that_is_too_long_is_told_before_connecting() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let name = "n".repeat(256);
        let run = |port: &str| {
            let mut get = fetchlet();
            get.args(["get", "127.0.0.1", port, "f", "-o", &name]).current_dir(&folder);
            output(&mut get)
        };
        assert_refused(run, "File name too long");
    });
}
