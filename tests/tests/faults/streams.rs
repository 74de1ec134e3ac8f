//! Targets that are no files: descriptors, pipes, sockets and devices are written to, at the end of
//! whatever links, and never replaced. No test gives `--force` a path whose last component is in
//! `/dev`: a client that replaced it would harm the machine.

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use fetchlet_test_kit::{
    Close, HELLO, LIMIT, ScriptedPeer, bare, built, fetchlet, installed, output, skip, within,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::assert_ended;

fn hello() -> ScriptedPeer {
    ScriptedPeer::start([HELLO.to_vec()], Close::Fin)
}

fn get(folder: &Path, peer: &ScriptedPeer, options: &[&str]) -> Command {
    let mut get = fetchlet();
    get.args(["get", "127.0.0.1", &peer.port(), "f"]).args(options).current_dir(folder);
    get
}

/// A folder with links to stdout: one that names procfs, and one to that one.
fn links_to_stdout() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    symlink("/proc/self/fd/1", folder.path().join("link")).unwrap();
    symlink("link", folder.path().join("link-to-link")).unwrap();
    symlink("/dev/stdout", folder.path().join("link-to-dev")).unwrap();
    folder
}

/// As the output of what `>>` leads to: the old content stays.
#[test]
fn what_leads_to_stdout_is_stdout_whatever_stdout_is() {
    within(LIMIT, || {
        let folder = links_to_stdout();
        for path in ["link", "link-to-link", "link-to-dev", "/proc/self/fd/1", "/dev/fd/1"] {
            for options in [&["-o", path][..], &["-o", path, "--force"]] {
                let ended = output(&mut get(folder.path(), &hello(), options));
                assert_ended(&ended, 0, "5 bytes to stdout", path);
                assert_eq!(ended.stdout, b"hello", "{options:?}");

                let out = folder.path().join("out");
                fs::write(&out, "old ").unwrap();
                let stdout = File::options().append(true).open(&out).unwrap();
                let ended = output(get(folder.path(), &hello(), options).stdout(stdout));
                assert_ended(&ended, 0, "5 bytes to stdout", path);
                assert_eq!(fs::read(&out).unwrap(), b"old hello", "{options:?}");
            }
        }
        for link in ["link", "link-to-link", "link-to-dev"] {
            assert!(folder.path().join(link).is_symlink(), "{link} was replaced");
        }
    });
}

#[test]
fn two_that_write_to_stdout_are_told_apart_before_connecting() {
    within(LIMIT, || {
        let folder = links_to_stdout();
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = nobody.local_addr().unwrap().port().to_string();
        for path in ["-", "link", "/dev/fd/1"] {
            let mut get = fetchlet();
            get.args(["get", "127.0.0.1", &port, "f", "--print-checksum", "-o", path]);
            let ended = output(get.current_dir(&folder));
            assert_ended(&ended, 2, "both write to stdout", path);
        }
    });
}

/// A descriptor is duplicated, so that what is written goes on where the others left off.
#[test]
fn a_descriptor_keeps_its_place_in_a_file() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        for path in ["/dev/fd/3", "/proc/self/fd/3", "/proc/thread-self/fd/3"] {
            let script = format!(
                "exec 3> out; printf 'old ' >&3; exec \"$0\" get 127.0.0.1 $1 f -f -o {path}"
            );
            let mut shell = bare(installed("sh").unwrap());
            shell.args(["-c", &script]).arg(built("fetchlet").unwrap()).arg(hello().port());
            let ended = output(shell.current_dir(&folder));
            assert_ended(&ended, 0, "5 bytes", path);
            assert_eq!(fs::read(folder.path().join("out")).unwrap(), b"old hello", "{path}");
        }
    });
}

#[test]
fn a_descriptor_that_is_only_read_is_refused_before_connecting() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = nobody.local_addr().unwrap().port().to_string();
        let mut get = fetchlet();
        get.args(["get", "127.0.0.1", &port, "f", "-o", "/dev/fd/0"]).stdin(Stdio::null());
        let ended = output(get.current_dir(&folder));
        assert_ended(&ended, 23, "cannot write to /dev/fd/0: Bad file descriptor", "stdin");
        nobody.set_nonblocking(true).unwrap();
        assert!(nobody.accept().is_err(), "it connected");
    });
}

#[test]
fn a_pipe_is_written_to_and_stays() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        symlink("pipe", folder.path().join("link")).unwrap();
        for options in [&["-o", "pipe"][..], &["-o", "link"], &["-o", "link", "--force"]] {
            let reader = pipe.clone();
            let reader = thread::spawn(move || fs::read(reader).unwrap());
            let ended = output(&mut get(folder.path(), &hello(), options));
            assert_ended(&ended, 0, &format!("5 bytes to {}", options[1]), "a pipe");
            assert_eq!(reader.join().unwrap(), b"hello");
        }
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
        assert!(folder.path().join("link").is_symlink());
    });
}

#[test]
fn a_socket_is_connected_to_and_stays() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        for options in [&["-o", "socket"][..], &["-o", "socket", "--force"]] {
            let listener = listener.try_clone().unwrap();
            let reader = thread::spawn(move || {
                let mut received = Vec::new();
                listener.accept().unwrap().0.read_to_end(&mut received).unwrap();
                received
            });
            let ended = output(&mut get(folder.path(), &hello(), options));
            assert_ended(&ended, 0, "5 bytes to socket", "a socket");
            assert_eq!(reader.join().unwrap(), b"hello");
        }
        assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
    });
}

#[test]
fn a_device_is_written_to_and_stays() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        for (link, device, code, said) in [
            ("null", "/dev/null", 0, "5 bytes to null"),
            ("full", "/dev/full", 23, "No space left on device (os error 28); that is full"),
        ] {
            symlink(device, folder.path().join(link)).unwrap();
            for options in [&["-o", link][..], &["-o", link, "--force"]] {
                let ended = output(&mut get(folder.path(), &hello(), options));
                assert_ended(&ended, code, said, device);
                assert!(folder.path().join(link).is_symlink(), "{link} was replaced");
            }
        }
        let ended = output(&mut get(folder.path(), &hello(), &["-o", "/dev/null"]));
        assert_ended(&ended, 0, "5 bytes to /dev/null", "by its own name");
    });
}

/// A disk holds data, as a file does. The device that is made here has no driver.
#[test]
fn a_disk_is_not_overwritten_unless_forced() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        match mknodat(CWD, &disk, FileType::BlockDevice, Mode::RUSR | Mode::WUSR, 0) {
            Err(error @ (Errno::PERM | Errno::ACCESS)) => {
                return skip("a block device as target", &error.to_string());
            }
            made => made.unwrap(),
        }
        let ended = output(&mut get(folder.path(), &hello(), &["-o", "disk"]));
        assert_ended(&ended, 73, "disk exists", "without --force");
        let ended = output(&mut get(folder.path(), &hello(), &["-o", "disk", "--force"]));
        assert_ended(&ended, 23, "cannot write to disk", "there is no such device");
        assert!(disk.symlink_metadata().unwrap().file_type().is_block_device());
    });
}
