//! SIGHUP where it does not reload: the end of a terminal stops the server, and cuts nothing.

use std::net::TcpStream;
use std::path::Path;

use fetchlet_test_kit::{ServeProcess, bare, response};
use rustix::process::Signal;

use crate::fixture::{PROGRAM, assert_whole, fetch, receiving, releases};

/// Serves `current` of the releases with this disposition of SIGHUP, which the tests may have been
/// started with otherwise (`nohup`).
fn with_hangup(disposition: &str, outer: &Path) -> ServeProcess {
    let mut serve = bare("env");
    serve.args([disposition, PROGRAM, "serve", "0", "--root"]).arg(outer.join("current"));
    ServeProcess::run(serve).unwrap()
}

#[test]
fn a_hangup_stops_as_sigterm_does_and_a_second_one_cuts_nothing() {
    let outer = releases();
    let program = with_hangup("--default-signal=HUP", outer.path());
    let address = program.addr();
    let transfer = receiving(address);
    program.signal(Signal::HUP);
    program.logged("stopping; a second signal stops at once signal=\"SIGHUP\"");
    program.signal(Signal::HUP);
    assert_whole(transfer);
    assert_eq!(program.ended().0.code(), Some(0));
    TcpStream::connect(address).expect_err("it listens no more");
}

#[test]
fn a_hangup_after_another_signal_stops_at_once() {
    let outer = releases();
    let program = with_hangup("--default-signal=HUP", outer.path());
    let _transfer = receiving(program.addr());
    program.signal(Signal::TERM);
    program.logged("stopping");
    program.signal(Signal::HUP);
    assert_eq!(program.ended().0.code(), Some(129));
}

#[test]
fn a_hangup_that_was_to_be_ignored_is_ignored() {
    let outer = releases();
    let program = with_hangup("--ignore-signal=HUP", outer.path());
    let address = program.addr();
    program.signal(Signal::HUP);
    assert_eq!(fetch(address, "h.txt"), response(b"1"));
    program.signal(Signal::TERM);
    program.logged("signal=\"SIGTERM\"");
    assert_eq!(program.ended().0.code(), Some(0));
}

/// On a real terminal, whose window is closed. Terminals of a desktop pass INVOCATION_ID on.
#[test]
fn the_end_of_the_terminal_lets_transfers_end() {
    let outer = releases();
    let inner = r#"exec env --default-signal=HUP "$PROGRAM" serve 0 --root "$ROOT" >&3 2>&4"#;
    // `script` makes the terminal, whose session runs `inner`, and ends with the signal.
    let outer_script = r#"exec 3>&1 4>&2; exec script --quiet --command "$INNER" /dev/null"#;
    let mut terminal = bare("sh");
    terminal.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh");
    terminal.env("PROGRAM", PROGRAM).env("ROOT", outer.path().join("current"));
    terminal.env("INNER", inner).env("INVOCATION_ID", "1234").args(["-c", outer_script]);
    let program = ServeProcess::run(terminal).unwrap();
    let transfer = receiving(program.addr());
    program.signal(Signal::KILL);
    program.logged("signal=\"SIGHUP\"");
    assert_whole(transfer);
    assert!(program.logged("end=").contains("end=\"sent\""));
}
