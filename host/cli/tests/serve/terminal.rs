//! A log on a terminal that is stopped by Ctrl-S, or that nobody reads.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use fetchlet_test_kit::{ChildProcess, LIMIT, NOT_FOUND, ServeProcess, Terminal, response, within};
use rustix::process::Signal;

use crate::harness::*;

/// More lines of over 1,000 bytes than the terminal and the queue of the log hold together.
const EXCHANGES: usize = 2_000;

/// What a stop may take beyond the grace.
const SECOND: Duration = Duration::from_secs(1);

/// Serves `root` with its log on the terminal.
fn serve_at(terminal: &Terminal, root: &Path) -> (ChildProcess, SocketAddr) {
    let mut command = ServeProcess::command(root);
    command.arg("0").env("TERM", "xterm").stderr(terminal.stream().unwrap());
    let (process, line) = ChildProcess::announced(&mut command).unwrap();
    let address = line.trim_end().strip_prefix("listening on ").expect(&line);
    (process, address.parse().expect(&line))
}

/// Has the log get more lines than it takes, and a file served after them.
fn serve_many(address: SocketAddr) {
    let long = "x".repeat(1000);
    for _ in 0..EXCHANGES {
        assert_eq!(fetch(address, &long), NOT_FOUND);
    }
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
}

fn stops_in_time(mut process: ChildProcess) {
    process.signal(Signal::TERM).unwrap();
    let status = process.wait(SECOND).unwrap().expect("an end within a second");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn clients_are_served_and_a_stop_ends_though_the_terminal_is_stopped() {
    within(LIMIT, || {
        let folder = folder(&[("h.txt", b"hello")]);
        let terminal = Terminal::open().unwrap();
        let (process, address) = serve_at(&terminal, folder.path());
        terminal.shows("only this machine can connect");
        terminal.stop().unwrap();
        serve_many(address);
        stops_in_time(process);
    });
}

#[test]
fn clients_are_served_and_a_stop_ends_though_nobody_reads_the_terminal() {
    within(LIMIT, || {
        let folder = folder(&[("h.txt", b"hello")]);
        let terminal = Terminal::open().unwrap();
        let (process, address) = serve_at(&terminal, folder.path());
        serve_many(address);
        stops_in_time(process);
    });
}

#[test]
fn a_terminal_that_goes_on_is_told_how_many_lines_it_lost() {
    within(LIMIT, || {
        let folder = folder(&[("h.txt", b"hello")]);
        let terminal = Terminal::open().unwrap();
        let (process, address) = serve_at(&terminal, folder.path());
        terminal.stop().unwrap();
        serve_many(address);
        terminal.go_on().unwrap();
        terminal.shows("log lines are lost");
        stops_in_time(process);
    });
}

/// As when its window is closed, or the connection that it came by is gone: each write is an error.
#[test]
fn a_terminal_that_is_gone_ends_nothing() {
    within(LIMIT, || {
        let folder = folder(&[("h.txt", b"hello")]);
        let terminal = Terminal::open().unwrap();
        let (process, address) = serve_at(&terminal, folder.path());
        terminal.shows("only this machine can connect");
        drop(terminal);
        serve_many(address);
        stops_in_time(process);
    });
}
