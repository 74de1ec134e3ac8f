//! A run of the program `soak` that is interrupted leaves no process and no file.

use std::process::{Command, Stdio};

use fetchlet_test_kit::{ChildProcess, LIMIT, assert_no_leaks, processes_using, until, within};
use rustix::process::Signal;

#[test]
fn a_signal_in_the_middle_ends_all_that_was_started() {
    within(LIMIT, || {
        for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
            let folder = tempfile::tempdir().unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
            command.args(["--quick", "slow"]).env("TMPDIR", folder.path());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = ChildProcess::start(&mut command).unwrap();
            until(LIMIT, || (!processes_using(folder.path()).is_empty()).then_some(())).unwrap();
            child.signal(signal).unwrap();
            assert_eq!(child.wait(LIMIT).unwrap().unwrap().code(), Some(code));
            assert_no_leaks(folder.path());
        }
    });
}
