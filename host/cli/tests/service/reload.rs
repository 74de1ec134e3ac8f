//! The served folder is replaced: SIGHUP reloads, and no transfer is lost.

use std::fs;
use std::path::Path;

use fetchlet_test_kit::{NOT_FOUND, ServeProcess, bare, response};
use rustix::process::Signal;

use crate::fixture::{PROGRAM, assert_whole, fetch, receiving, releases, switch};
use crate::manager::Manager;

/// Serves `current` of the releases, notifying a service manager.
fn notifying(outer: &Path) -> (ServeProcess, Manager) {
    let manager = Manager::new();
    let mut serve = ServeProcess::command(&outer.join("current"));
    serve.arg("0").env("NOTIFY_SOCKET", manager.path());
    let program = ServeProcess::run(serve).unwrap();
    assert_eq!(manager.told(), "READY=1");
    (program, manager)
}

#[test]
fn a_reload_serves_the_next_release_and_loses_no_transfer() {
    let outer = releases();
    let (program, manager) = notifying(outer.path());
    let address = program.addr();
    let transfer = receiving(address);
    assert_eq!(fetch(address, "h.txt"), response(b"1"));
    switch(outer.path(), "2");
    program.signal(Signal::HUP);
    assert_eq!(manager.told_of_a_reload(), "READY=1\nSTATUS=");
    program.logged("reloaded");
    assert_eq!(fetch(address, "h.txt"), response(b"2"));
    assert_eq!(fetch(address, "big"), NOT_FOUND);
    switch(outer.path(), "1");
    program.signal(Signal::HUP);
    assert_eq!(manager.told_of_a_reload(), "READY=1\nSTATUS=");
    assert_eq!(fetch(address, "h.txt"), response(b"1"));
    assert_whole(transfer);
    program.signal(Signal::TERM);
    assert_eq!(manager.told(), "STOPPING=1");
    assert_eq!(program.ended().0.code(), Some(0));
}

/// Started without a terminal by a service manager, or asked for it.
#[test]
fn a_reload_needs_no_socket_to_notify() {
    for (option, variable) in [(&["--reload"][..], ""), (&[], "INVOCATION_ID")] {
        let outer = releases();
        // A session of its own has no terminal.
        let mut serve = bare("setsid");
        serve.env("PATH", "/usr/bin:/bin").args([PROGRAM, "serve", "0", "--root"]);
        serve.arg(outer.path().join("current")).args(option);
        if !variable.is_empty() {
            serve.env(variable, "1234");
        }
        let program = ServeProcess::run(serve).unwrap();
        let address = program.addr();
        switch(outer.path(), "2");
        program.signal(Signal::HUP);
        program.logged("reloaded");
        assert_eq!(fetch(address, "h.txt"), response(b"2"), "{option:?} {variable}");
    }
}

#[test]
fn a_folder_that_is_removed_and_made_again_is_served_after_a_reload() {
    let outer = releases();
    let root = outer.path().join("2");
    // A relative path leads from where the program was started, which may be the folder itself.
    for relative in [false, true] {
        let mut serve = ServeProcess::command(if relative { Path::new(".") } else { &root });
        serve.args(["0", "--reload"]).current_dir(&root);
        let program = ServeProcess::run(serve).unwrap();
        let address = program.addr();
        assert_eq!(fetch(address, "h.txt"), response(b"2"));
        fs::remove_dir_all(&root).unwrap();
        program.signal(Signal::HUP);
        assert!(program.logged("cannot reload").contains("does not exist"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("h.txt"), "2").unwrap();
        assert_eq!(fetch(address, "h.txt"), NOT_FOUND);
        program.signal(Signal::HUP);
        program.logged("reloaded");
        assert_eq!(fetch(address, "h.txt"), response(b"2"));
    }
}

#[test]
fn a_reload_that_fails_keeps_the_folder() {
    let outer = releases();
    let (program, manager) = notifying(outer.path());
    let address = program.addr();
    for (release, reason) in [("nowhere", "does not exist"), ("1/h.txt", "is not a folder")] {
        switch(outer.path(), release);
        program.signal(Signal::HUP);
        assert_eq!(manager.told_of_a_reload(), "READY=1\nSTATUS=The reload failed, see the log");
        assert!(program.logged("cannot reload").contains(reason));
        assert_eq!(fetch(address, "h.txt"), response(b"1"), "{release}");
    }
}

/// Once: `reload`'s own tests hold that.
#[test]
fn a_folder_that_was_replaced_without_a_reload_is_told() {
    for (option, remedy) in [(&["--reload"][..], "send SIGHUP"), (&[], "restart the server")] {
        let outer = releases();
        let program = ServeProcess::start(&outer.path().join("current"), option).unwrap();
        switch(outer.path(), "2");
        let line = program.logged("does not lead to the served folder");
        assert!(line.contains("WARN") && line.contains(remedy), "{line}");
    }
}
