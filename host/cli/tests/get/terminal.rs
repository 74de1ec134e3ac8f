//! `fetchlet get` on a terminal that is stopped by Ctrl-S: neither the download nor the end of the
//! program waits for it.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fetchlet_test_kit::{
    ChildProcess, HELLO, NOT_FOUND, PATIENCE, Terminal, on_disk, response, until,
};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{
    answering, answering_in_turn, program, script, silent_after, staging_file, stuck_in_data,
};

/// The length of the file in bytes: 20 pieces.
const LEN: usize = 100_000;
/// The length in bytes of each piece in which the file arrives.
const PIECE_LEN: usize = 5_000;

/// The pause between two pieces: all of them take long enough for several pictures of the bar.
const PAUSE: Duration = Duration::from_millis(20);

/// Starts a program whose stderr is the terminal.
fn start(mut command: Command, terminal: &Terminal) -> ChildProcess {
    // Without a name of the terminal's kind there is no bar.
    command.env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.stream().unwrap());
    ChildProcess::start(&mut command).unwrap()
}

#[test]
fn a_bar_on_a_stopped_terminal_holds_up_neither_the_download_nor_the_end() {
    let dir = TempDir::new().unwrap();
    let terminal = Terminal::open().unwrap();
    let (go_on, is_stopped) = mpsc::channel::<()>();
    let peer = script(move |mut peer| {
        let response = response(&[7; LEN]);
        let (first, rest) = response.split_at(LEN / 2);
        peer.write_all(first)?;
        is_stopped.recv().ok();
        for piece in rest.chunks(PIECE_LEN) {
            peer.write_all(piece)?;
            is_stopped.recv_timeout(PAUSE).ok();
        }
        Ok(())
    });
    let mut child = start(program(&dir, peer, &["h.txt"]), &terminal);
    // The bar.
    terminal.shows("KiB/97.66 KiB");
    terminal.stop().unwrap();
    go_on.send(()).unwrap();
    let is_whole = || (on_disk(&dir) == [("h.txt".into(), vec![7; LEN])]).then_some(());
    until(PATIENCE, is_whole).expect("a whole file");
    assert_eq!(child.wait(PATIENCE).unwrap().expect("an end").code(), Some(0));
}

/// Whatever is said at the end, or between two tries.
#[test]
fn no_line_waits_for_a_stopped_terminal_for_long() {
    let cases = [
        (0, answering(HELLO), &["h.txt"][..]),
        (0, answering(HELLO), &["h.txt", "--progress", "none"]),
        (2, answering(HELLO), &["h.txt", "--frobnicate"]),
        (2, answering(HELLO), &["h.txt", "-o", "-", "--print-checksum"]),
        (8, answering(b"HTTP/1.1"), &["h.txt"]),
        (18, answering(&HELLO[..11]), &["h.txt"]),
        (28, silent_after(&HELLO[..9]), &["h.txt", "--timeout", "100ms"]),
        (78, answering(NOT_FOUND), &["h.txt"]),
    ];
    let runs = cases.map(|(code, peer, arguments)| {
        thread::spawn(move || {
            let dir = TempDir::new().unwrap();
            let terminal = Terminal::open().unwrap();
            terminal.stop().unwrap();
            let mut child = start(program(&dir, peer, arguments), &terminal);
            let ended = child.wait(PATIENCE).unwrap();
            let ended = ended.unwrap_or_else(|| panic!("{arguments:?} does not end"));
            assert_eq!(ended.code(), Some(code), "{arguments:?}");
        })
    });
    for run in runs {
        run.join().unwrap();
    }
}

#[test]
fn what_may_pass_is_tried_again_though_the_terminal_is_stopped() {
    let dir = TempDir::new().unwrap();
    let terminal = Terminal::open().unwrap();
    terminal.stop().unwrap();
    let peer = answering_in_turn([&HELLO[..11], &HELLO[..12], HELLO]);
    let mut child = start(program(&dir, peer, &["h.txt", "--retry", "2"]), &terminal);
    assert_eq!(child.wait(PATIENCE).unwrap().expect("an end").code(), Some(0));
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_signal_ends_it_while_the_bar_waits_for_the_terminal() {
    let dir = TempDir::new().unwrap();
    let terminal = Terminal::open().unwrap();
    let mut child = start(program(&dir, stuck_in_data(), &["h.txt"]), &terminal);
    terminal.stop().unwrap();
    staging_file(dir.path());
    child.signal(Signal::TERM).unwrap();
    assert_eq!(child.wait(PATIENCE).unwrap().expect("an end").code(), Some(143));
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn a_terminal_that_goes_on_in_time_shows_the_last_line() {
    let dir = TempDir::new().unwrap();
    let terminal = Terminal::open().unwrap();
    terminal.stop().unwrap();
    let (tell, is_answered) = mpsc::channel();
    let peer = script(move |mut peer| {
        peer.write_all(NOT_FOUND)?;
        io::copy(&mut peer, &mut io::sink())?;
        tell.send(()).map_err(io::Error::other)
    });
    let mut child = start(program(&dir, peer, &["h.txt"]), &terminal);
    is_answered.recv_timeout(PATIENCE).unwrap();
    let ended = child.wait(10 * PAUSE).unwrap();
    assert_eq!(ended, None, "it waits a while for the terminal");
    terminal.go_on().unwrap();
    terminal.shows("no such file (R8)");
    assert_eq!(child.wait(PATIENCE).unwrap().expect("an end").code(), Some(78));
}
