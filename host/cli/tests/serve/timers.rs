//! The server's threads while nobody asks for anything.

use std::{fs, io};

use fetchlet_test_kit::{PATIENCE, ServeProcess, skip, until};
use rustix::process::Signal;

use crate::harness::{folder, serve};

/// The numbers of `epoll_wait` (on `x86_64`) and `epoll_pwait` (on `x86_64`, on `aarch64`).
const EPOLL_WAIT: [&str; 3] = ["232", "281", "22"];

/// For ever: epoll_wait(2). As an `int`, the kernel regards no more than these digits.
const NO_TIMEOUT: &str = "ffffffff";

/// Returns the timeouts, in hexadecimal, of the program's threads that wait for events.
fn timeouts(program: &ServeProcess) -> io::Result<Vec<String>> {
    let mut timeouts = Vec::new();
    for task in fs::read_dir(format!("/proc/{}/task", program.pid()))? {
        // The number of the call and its arguments, or that there is none: proc_pid_syscall(5).
        let call = fs::read_to_string(task?.path().join("syscall"))?;
        let words: Vec<_> = call.split_ascii_whitespace().collect();
        if let [number, _, _, _, timeout, ..] = words[..]
            && EPOLL_WAIT.contains(&number)
        {
            timeouts.push(timeout.trim_start_matches("0x").to_owned());
        }
    }
    Ok(timeouts)
}

/// A timeout costs each wait a timer of the system.
#[test]
fn the_wait_for_a_request_has_no_timeout() {
    let folder = folder(&[]);
    let (program, _) = serve(folder.path(), &["--reload"]);
    // All of its tasks have begun by then.
    program.signal(Signal::HUP);
    program.logged("reloaded");
    if let Err(error) = timeouts(&program)
        && error.kind() != io::ErrorKind::NotFound
    {
        return skip("the wait for a request", &format!("/proc tells no calls: {error}"));
    }
    let mut last = Vec::new();
    // A look at the folder's path has one as long as it takes, and threads that end are not found.
    let waits = until(PATIENCE, || {
        last = timeouts(&program).unwrap_or_default();
        let endless = |timeout: &String| timeout.ends_with(NO_TIMEOUT);
        (!last.is_empty() && last.iter().all(endless)).then_some(())
    });
    assert!(waits.is_some(), "{last:?}");
}
