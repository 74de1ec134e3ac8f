//! SIGKILL before every system call that touches a file or a descriptor: the target is the old file
//! or the whole new file, each time, and the next download succeeds.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use fetchlet_test_kit::{
    LIMIT, RunningServer, bare, built, fetchlet, installed, output, random_bytes, skip, within,
};
use tempfile::TempDir;

use crate::{assert_ended, at_once};

/// The content of the target before the run.
const OLD: &[u8] = b"old";
/// Longer than one buffer, so that a second thread writes.
const LEN: usize = 300_000;
/// Far more calls of one name than a run has. The loop reaches this number only if no call was
/// killed.
const MAX_CALLS: usize = 500;

struct KillTest {
    server: RunningServer,
    content: Vec<u8>,
    force: bool,
}

/// The files after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Left {
    /// Whether the target is the new file. If not, the target is as it was before the run.
    new: bool,
    /// Whether a staging file is left.
    unfinished: bool,
}

impl KillTest {
    /// Returns the command `fetchlet get` under strace with these options, in a folder of its own.
    fn traced(&self, folder: &Path, options: &[&str]) -> Command {
        if self.force {
            fs::write(folder.join("f"), OLD).unwrap();
        }
        let mut strace = bare(installed("strace").unwrap());
        // strace's option `--seccomp-bpf` would be faster, but some injections fail with it.
        strace.args(["-f", "-qq"]).args(options).arg(built("fetchlet").unwrap());
        strace.args(["get", "127.0.0.1", &self.server.port().to_string(), "f"]);
        strace.args(self.force.then_some("--force")).current_dir(folder);
        strace
    }

    /// Returns the names of all system calls of a run that touch a file or a descriptor.
    fn calls(&self) -> BTreeSet<String> {
        let [folder, logs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let log = logs.path().join("log");
        let options = ["-e", "trace=%file,%desc", "-o", log.to_str().unwrap()];
        let ended = output(&mut self.traced(folder.path(), &options));
        assert_ended(&ended, 0, "", "undisturbed");
        let log = fs::read_to_string(log).unwrap();
        log.lines().filter_map(call).map(str::to_owned).collect()
    }

    /// Runs `get` and kills it when some thread enters its call number `nth` of this name. Returns
    /// `None` if the run ended before.
    fn killed(&self, call: &str, nth: usize) -> Option<Left> {
        let folder = tempfile::tempdir().unwrap();
        let inject = format!("inject={call}:signal=KILL:when={nth}");
        let trace = format!("trace={call}");
        let options = ["-o", "/dev/null", "-e", &trace, "-e", &inject];
        let ended = output(&mut self.traced(folder.path(), &options));
        let what = format!("killed at {call} {nth}");
        let left = self.left(&folder, &what);
        match ended.status.signal() {
            Some(9) => {
                self.succeeds_next_time(&folder, &what);
                Some(left)
            }
            _ => {
                assert_ended(&ended, 0, "", &what);
                assert_eq!(left, Left { new: true, unfinished: false }, "{what}");
                None
            }
        }
    }

    fn left(&self, folder: &TempDir, what: &str) -> Left {
        let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name());
        let (target, others): (Vec<_>, Vec<_>) = entries.partition(|name| name == "f");
        let staging = |name: &std::ffi::OsString| name.as_encoded_bytes().starts_with(b".f.part-");
        assert!(others.iter().all(staging) && others.len() < 2, "{what}: {others:?}");
        let unfinished = !others.is_empty();
        let content = (!target.is_empty()).then(|| fs::read(folder.path().join("f")).unwrap());
        match content {
            Some(content) if content == self.content => Left { new: true, unfinished },
            Some(content) if self.force && content == OLD => Left { new: false, unfinished },
            None if !self.force => Left { new: false, unfinished },
            other => panic!("{what}: the target is {:?}", other.map(|it| it.len())),
        }
    }

    fn succeeds_next_time(&self, folder: &TempDir, what: &str) {
        let mut again = fetchlet();
        again.args(["get", "127.0.0.1", &self.server.port().to_string(), "f", "--force"]);
        assert_ended(&output(again.current_dir(folder)), 0, "", what);
        assert!(fs::read(folder.path().join("f")).unwrap() == self.content, "{what}");
    }
}

/// Returns the name of the call in a line of strace's log, such as `1234  openat(AT_FDCWD, ...`.
fn call(line: &str) -> Option<&str> {
    let name = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let name = name.split_once('(')?.0;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // strace can't kill at the `execve` that starts the program.
    (plain && name != "execve").then_some(name)
}

#[test]
fn a_kill_at_any_system_call_leaves_the_old_file_or_the_whole_new_one() {
    if let Err(missing) = installed("strace") {
        return skip("a kill at each system call", &missing.to_string());
    }
    within(LIMIT, || {
        let served = tempfile::tempdir().unwrap();
        let content = random_bytes(9, LEN);
        fs::write(served.path().join("f"), &content).unwrap();
        for force in [false, true] {
            let server = RunningServer::start(served.path());
            let test = KillTest { server, content: content.clone(), force };
            let calls: Vec<_> = test.calls().into_iter().collect();
            let seen = Mutex::new(Vec::new());
            at_once(4, &calls, |call| {
                let kills = (1..MAX_CALLS).map_while(|nth| test.killed(call, nth));
                let kills: Vec<Left> = kills.collect();
                assert!(kills.len() < MAX_CALLS - 1, "{call}: it never got to its end");
                seen.lock().unwrap().extend(kills);
            });
            assert!(calls.iter().any(|it| it.starts_with("rename")), "{calls:?}");
            let mut seen = seen.into_inner().unwrap();
            let kills = seen.len();
            seen.sort();
            seen.dedup();
            // There must be kills before the staging file exists, while it exists, and after the
            // rename.
            let states = [(false, false), (false, true), (true, false)];
            let states = states.map(|(new, unfinished)| Left { new, unfinished });
            assert_eq!(seen, states, "{kills} kills at {calls:?}");
        }
    });
}
