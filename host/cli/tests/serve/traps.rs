//! Known mistakes that make a file server slow or wrong: each test fails if the server makes one.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    ServeProcess, ask, bare, connect, fetchlet, random_bytes, read_all, request, response, skip,
};
use rustix::fs::{Advice, fadvise};
use rustix::process::Signal;

use crate::harness::*;

/// With Nagle's algorithm, data behind a header that was sent separately waits for the peer's
/// delayed acknowledgement of the header: 40 ms and more per response.
#[test]
fn no_response_waits_for_an_acknowledgement() {
    let sizes = [1024, 64 * 1024, 64 * 1024 + 1, 300_000];
    let files: Vec<_> = sizes.map(|size| (size.to_string(), random_bytes(1, size))).into();
    let listed: Vec<_> = files.iter().map(|(name, data)| (&**name, &**data)).collect();
    let folder = folder(&listed);
    let (_program, address) = serve(folder.path(), &["-q"]);
    for (name, content) in &files {
        let mut times: Vec<_> = std::iter::repeat_with(|| {
            let start = Instant::now();
            assert!(fetch(address, name) == response(content), "{name} bytes");
            start.elapsed()
        })
        .take(21)
        .collect();
        times.sort();
        assert!(times[10] < Duration::from_millis(20), "{name} bytes: {times:?}");
    }
}

/// Removes the file from the page cache. On a file system in memory this does nothing.
fn evict(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    fadvise(&file, 0, None, Advice::DontNeed).unwrap();
}

/// A `sendfile` of a file that is not in memory blocks every other connection of its thread.
#[test]
fn files_that_are_not_in_memory_arrive_whole_beside_one_that_is() {
    // The target folder is on a disk; /tmp may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sizes = [1, 65_536, 65_537, 262_144, 1_048_576, 1_048_577, 20_000_001];
    for size in sizes {
        std::fs::write(folder.path().join(size.to_string()), random_bytes(1, size)).unwrap();
    }
    std::fs::write(folder.path().join("hot"), "hot").unwrap();
    let (_program, address) = serve(folder.path(), &["-q"]);
    std::thread::scope(|scope| {
        for size in sizes {
            evict(&folder.path().join(size.to_string()));
            let cold = scope.spawn(move || fetch(address, &size.to_string()));
            while !cold.is_finished() {
                assert_eq!(fetch(address, "hot"), response(b"hot"));
            }
            assert!(cold.join().unwrap() == response(&random_bytes(1, size)), "{size} bytes");
        }
    });
}

/// The server drains a connection only if bytes came after the request. A drain of each connection
/// would cost a fifth of a small request's time, and hold a connection slot for two seconds.
#[test]
fn a_peer_that_has_its_response_holds_no_place() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (_program, address) = serve(folder.path(), &["--max-connections", "1"]);
    let start = Instant::now();
    let mut peers = Vec::new();
    for _ in 0..4 {
        let mut stream = ask(address, b"h.txt").unwrap();
        assert_eq!(read_all(&mut stream).unwrap(), response(b"hello"));
        peers.push(stream);
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn the_congestion_control_is_the_one_asked_for() {
    let folder = folder(&[("h.txt", b"hello")]);
    // Every Linux kernel has reno and lets every user choose it.
    let (_program, address) = serve(folder.path(), &["--congestion", "reno"]);
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    let mut command = ServeProcess::command(folder.path());
    let refused = output(command.args(["--congestion", "none\n", "0"]));
    assert_eq!(refused.status.code(), Some(2));
    let log = String::from_utf8(refused.stderr).unwrap();
    let said = log.lines().last().unwrap();
    assert!(said.contains(r#""none\n""#) && said.contains("reno"), "{said}");
}

/// A list that can't be read is not taken for an empty one.
#[test]
fn without_proc_nothing_is_said_to_be_permitted() {
    let folder = folder(&[]);
    let script = "mount -t tmpfs none /proc || exit 99; exec \"$0\" \"$@\"";
    let mut unshare = bare("unshare");
    unshare.args(["-r", "-m", "sh", "-c", script]).arg(fetchlet().get_program());
    let refused =
        output(unshare.args(["serve", "0", "--congestion", "none", "--root"]).arg(folder.path()));
    let said = String::from_utf8(refused.stderr).unwrap();
    match refused.status.code() {
        // Those of `unshare` and of the script.
        Some(1 | 99) => skip("no /proc", &said),
        code => assert!(code == Some(2) && said.contains("can't be read here"), "{code:?}: {said}"),
    }
}

/// A short count of `sendfile` means a full socket or the end of the file. At the end of the file
/// a wait for the socket would be endless.
#[test]
fn a_file_that_is_cut_ends_at_once() {
    let folder = folder(&[("big", &random_bytes(1, 60_000_000))]);
    let (program, address) = serve(folder.path(), &[]);
    let mut stream = ask(address, b"big").unwrap();
    stream.read_exact(&mut [0; 8]).unwrap();
    File::options()
        .write(true)
        .open(folder.path().join("big"))
        .unwrap()
        .set_len(30_000_000)
        .unwrap();
    let start = Instant::now();
    let received = read_all(&mut stream).unwrap().len();
    assert!(received < 60_000_000);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    program.logged("short file");
}

/// TCP resets a connection that is closed with unread input; this holds for a close by the stop of
/// the server, too (R7).
#[test]
fn a_stop_does_not_destroy_the_end_of_a_response() {
    let content = random_bytes(1, 5_000_000);
    let folder = folder(&[("big", &content)]);
    let (program, address) = serve(folder.path(), &[]);
    let mut stream = connect(address).unwrap();
    let surplus = [&request(b"big")[..], &[7; 60_000]].concat();
    stream.write_all(&surplus).unwrap();
    let mut answer = vec![0; 1_000_000];
    stream.read_exact(&mut answer).unwrap();
    program.signal(Signal::TERM);
    program.logged("stopping");
    answer.extend(read_all(&mut stream).expect("no reset"));
    assert!(answer == response(&content));
    assert_eq!(program.ended().0.code(), Some(0));
}
