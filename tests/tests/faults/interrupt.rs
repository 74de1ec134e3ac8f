//! SIGINT at two hundred moments of a download, and SIGHUP where there is no `/proc`.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    HELLO, LIMIT, Rng, RunningServer, ScriptedPeer, bare, built, installed, output, random_bytes,
    skip, until, within,
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{assert_ended, at_once};

/// The number of runs, each interrupted at another moment.
const TIMES: u32 = 200;
/// The number of the signal, by which a program that dies of it is told.
const SIGINT: i32 = 2;

struct InterruptTest {
    server: RunningServer,
    content: Vec<u8>,
    done: AtomicUsize,
    broken_off: AtomicUsize,
}

impl InterruptTest {
    /// The test may have been started to ignore SIGINT (`&` in a shell's script).
    fn get(&self, folder: &TempDir) -> Command {
        let mut get = bare("env");
        get.arg("--default-signal").arg(built("fetchlet").unwrap());
        get.args(["get", "127.0.0.1", &self.server.port().to_string(), "f"]).current_dir(folder);
        get.stdout(Stdio::null()).stderr(Stdio::piped());
        get
    }

    /// Sends SIGINT after `delay` and waits for the end.
    fn interrupted(&self, delay: Duration) {
        let folder = tempfile::tempdir().unwrap();
        let child = self.get(&folder).spawn().unwrap();
        let (_never, nothing) = mpsc::channel::<()>();
        nothing.recv_timeout(delay).expect_err("nobody sends");
        // The process was not waited for, so its id is still valid, even if it has ended.
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let ended = child.wait_with_output().unwrap();
        let target = fs::read(folder.path().join("f")).ok();
        let names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name()).collect();
        let whole = target.as_ref() == Some(&self.content);
        assert!(names.is_empty() || (whole && names == ["f"]), "after {delay:?}: {names:?}");
        match (ended.status.code(), ended.status.signal()) {
            (Some(0), _) if whole => self.done.fetch_add(1, Ordering::Relaxed),
            // Before the program watches for signals, SIGINT kills it, and there is no file to
            // remove yet.
            (None, Some(SIGINT)) if !whole => 0,
            (Some(130), _) => self.broken_off.fetch_add(1, Ordering::Relaxed),
            other => panic!("after {delay:?}: {other:?}, {ended:?}"),
        };
    }
}

#[test]
fn an_interrupt_at_any_moment_leaves_the_whole_file_or_nothing() {
    within(LIMIT, || {
        let served = tempfile::tempdir().unwrap();
        let content = random_bytes(4, 4_000_000);
        fs::write(served.path().join("f"), &content).unwrap();
        let server = RunningServer::start(served.path());
        let (done, broken_off) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let test = InterruptTest { server, content, done, broken_off };
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::now();
        assert_ended(&output(&mut test.get(&folder)), 0, "", "undisturbed");
        let duration = start.elapsed();
        let mut rng = Rng::with_seed(5);
        let delays: Vec<_> =
            (0..TIMES).map(|_| duration.mul_f64(rng.usize(..1500) as f64 / 1000.0)).collect();
        at_once(2, &delays, |delay| test.interrupted(*delay));
        let (done, broken_off) = (test.done.into_inner(), test.broken_off.into_inner());
        assert!(done > 0 && broken_off > 0, "{done} done, {broken_off} broken off: no test");
    });
}

/// Whether a signal is ignored is asked of the system, not read in a file that may not be there.
#[test]
fn a_signal_that_was_ignored_stays_ignored_where_there_is_no_proc() {
    within(LIMIT, || {
        let hide = "mount -t tmpfs none /proc && ";
        let in_namespace = |script: &str| {
            let mut unshare = bare(installed("unshare").unwrap());
            unshare.args(["-r", "-m", "sh", "-c", &format!("{hide}{script}")]);
            unshare
        };
        let tried = output(&mut in_namespace("true"));
        if !tried.status.success() {
            return skip("no /proc", &String::from_utf8_lossy(&tried.stderr));
        }
        let folder = tempfile::tempdir().unwrap();
        let peer = ScriptedPeer::silent_after(&HELLO[..9]);
        let mut get =
            in_namespace("trap '' HUP; exec env --default-signal=TERM \"$0\" get 127.0.0.1 $1 f");
        get.arg(built("fetchlet").unwrap()).arg(peer.port()).current_dir(&folder);
        let child = get.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = || fs::read_dir(&folder).unwrap().next();
        assert!(until(LIMIT, begun).is_some(), "no staging file");
        for signal in [Signal::HUP, Signal::TERM] {
            kill_process(Pid::from_child(&child), signal).unwrap();
        }
        assert_ended(&child.wait_with_output().unwrap(), 143, "is removed", "SIGHUP is ignored");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    });
}
