//! The systemd unit as shipped: what it mounts does not hold on to a folder that is replaced.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use fetchlet_test_kit::{ServeProcess, response};

use crate::fixture::{PROGRAM, fetch, output};
use crate::manager::Manager;
use crate::namespace::Namespace;

/// The values of a setting of the unit.
fn settings(key: &str) -> Vec<String> {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fetchlet.service");
    let unit = fs::read_to_string(unit).unwrap();
    let value = |line: &str| Some(line.strip_prefix(key)?.strip_prefix('=')?.to_owned());
    unit.lines().filter_map(value).collect()
}

fn setting(key: &str) -> String {
    let [value] = &settings(key)[..] else { panic!("one {key}= in the unit") };
    value.clone()
}

/// `ExecStart=` with the program as built and any free port, in the mounts of the unit.
fn as_the_unit_says(host: &Namespace, manager: &Manager) -> Command {
    let mut script = String::new();
    for path in settings("BindReadOnlyPaths").iter().flat_map(|paths| paths.split_whitespace()) {
        script += &format!("mount --rbind {path} {path}; mount -o remount,bind,ro {path}; ");
    }
    let start = setting("ExecStart");
    let (program, arguments) = start.split_once(' ').unwrap();
    assert_eq!(program, "/usr/local/bin/fetchlet");
    let arguments = arguments.strip_suffix(" 5000").unwrap();
    script += &format!("exec {PROGRAM} {arguments} 0");
    // systemd's mounts of a service get what is mounted outside later, but not the other way.
    let mut service = host.command("unshare");
    service.args(["--mount", "--propagation", "slave", "sh", "-ec", &script]);
    service.env("NOTIFY_SOCKET", manager.path());
    service
}

/// What `systemctl reload` does.
#[track_caller]
fn reload(program: &ServeProcess, manager: &Manager) {
    let mut kill = Command::new("sh");
    kill.env("MAINPID", program.pid().as_raw_nonzero().to_string());
    assert!(output(kill.args(["-c", &setting("ExecReload")])).status.success());
    assert_eq!(manager.told_of_a_reload(), "READY=1\nSTATUS=");
}

fn release(host: &Namespace, path: &str) {
    fs::create_dir_all(host.path(path)).unwrap();
    fs::write(host.path(path).join("h.txt"), path).unwrap();
}

#[test]
fn a_folder_that_is_replaced_is_served_after_a_reload() {
    let Some(host) = Namespace::mounts("the unit's mounts") else { return };
    for release_path in ["/srv/1", "/srv/2", "/srv/3"] {
        release(&host, release_path);
    }
    symlink("1", host.path("/srv/fetchlet")).unwrap();
    let manager = Manager::new();
    let program = ServeProcess::run(as_the_unit_says(&host, &manager)).unwrap();
    let address = program.addr();
    assert_eq!(manager.told(), "READY=1");
    let serves = |path: &str| assert_eq!(fetch(address, "h.txt"), response(path.as_bytes()));
    serves("/srv/1");
    // A link that is switched.
    symlink("2", host.path("/srv/next")).unwrap();
    fs::rename(host.path("/srv/next"), host.path("/srv/fetchlet")).unwrap();
    reload(&program, &manager);
    serves("/srv/2");
    // A folder in the place of the link, and another one in the place of that.
    fs::remove_file(host.path("/srv/fetchlet")).unwrap();
    fs::rename(host.path("/srv/3"), host.path("/srv/fetchlet")).unwrap();
    reload(&program, &manager);
    serves("/srv/3");
    fs::remove_dir_all(host.path("/srv/fetchlet")).unwrap();
    release(&host, "/srv/fetchlet");
    reload(&program, &manager);
    serves("/srv/fetchlet");
    // A file system that is mounted over it.
    host.sh("mount -t tmpfs tmpfs /srv/fetchlet; echo mounted > /srv/fetchlet/h.txt");
    reload(&program, &manager);
    serves("mounted\n");
}

/// A mount of the folder itself would hold on to the disk that is mounted there.
#[test]
fn a_disk_that_is_replaced_is_served_after_a_reload() {
    let Some(host) = Namespace::mounts("the unit's mounts") else { return };
    host.sh("mkdir /srv/fetchlet");
    let mount = "mount -t tmpfs disk /srv/fetchlet; echo";
    host.sh(&format!("{mount} 1 > /srv/fetchlet/h.txt"));
    let manager = Manager::new();
    let program = ServeProcess::run(as_the_unit_says(&host, &manager)).unwrap();
    assert_eq!(manager.told(), "READY=1");
    assert_eq!(fetch(program.addr(), "h.txt"), response(b"1\n"));
    host.sh(&format!("umount --lazy /srv/fetchlet; {mount} 2 > /srv/fetchlet/h.txt"));
    reload(&program, &manager);
    assert_eq!(fetch(program.addr(), "h.txt"), response(b"2\n"));
}

#[test]
fn the_unit_mounts_the_folder_that_the_served_one_is_in() {
    let paths = settings("BindReadOnlyPaths").join(" ");
    let start = setting("ExecStart");
    let root = start.split(' ').skip_while(|word| *word != "--root").nth(1).unwrap();
    let parent = Path::new(root).parent().unwrap();
    assert!(paths.split_whitespace().any(|path| Path::new(path) == parent), "{paths} for {root}");
}
