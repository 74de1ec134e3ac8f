//! The built program `simulated`: exit codes, streams, and the files that it leaves.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use fetchlet_test_kit::{Close, LIMIT, RunningServer, ScriptedPeer, built, random_bytes, within};

mod wire;

fn simulated(arguments: &[&str]) -> Command {
    let mut command = Command::new(built("simulated").unwrap());
    command.args(arguments).stdin(Stdio::null());
    command
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } = simulated(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs the program, asserts success and an empty stderr, and returns stdout.
fn succeeds(arguments: &[&str]) -> String {
    let Ran { code, stdout, stderr } = run(arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}: {stdout}");
    stdout
}

/// Runs the program and asserts that it fails with one line on stderr that contains `why`.
fn fails(arguments: &[&str], why: &str) {
    let Ran { code, stdout, stderr } = run(arguments);
    assert_eq!(code, Some(1), "{arguments:?}: {stdout}{stderr}");
    assert!(stderr.starts_with("simulated: ") && stderr.lines().count() == 1, "{stderr}");
    assert!(stderr.contains(why), "{arguments:?}: {stderr}");
    assert!(!stdout.contains("equal") && !stdout.contains("whole"), "{stdout}");
}

#[test]
fn without_arguments_it_shows_that_both_sides_are_equal() {
    within(LIMIT, || {
        let stdout = succeeds(&[]);
        assert!(stdout.ends_with("equal: the device has the server's file\n"), "{stdout}");
        let sums: Vec<_> = stdout.lines().filter(|line| line.starts_with("SHA-256 ")).collect();
        let [device, server] = sums[..] else { panic!("{stdout}") };
        assert_eq!(device.split_whitespace().nth(1), server.split_whitespace().nth(1));
        assert!(stdout.contains("1048576 bytes in "), "{stdout}");
        let folder = stdout.split_whitespace().find(|word| word.ends_with("demo.bin")).unwrap();
        assert!(!std::path::Path::new(folder).exists(), "{folder} is still there");
    });
}

/// Returns the number before `word` in the line that begins with `received`.
fn received(stdout: &str, word: &str) -> u32 {
    let line = stdout.lines().find(|line| line.starts_with("received ")).unwrap();
    let mut words = line.split([' ', ',', ';']).filter(|word| !word.is_empty());
    let mut before = words.next().unwrap();
    for next in words {
        if next == word {
            return before.parse().unwrap();
        }
        before = next;
    }
    panic!("no {word} in {line}")
}

#[test]
fn small_windows_and_packets_take_more_frames() {
    within(LIMIT, || {
        let size = ["--size", "64K"];
        let frames = |options: &[&str]| received(&succeeds(&[&size, options].concat()), "frames");
        let plain = frames(&[]);
        assert!(plain < 64, "{plain}");
        assert!(frames(&["--rx-buffer", "512"]) >= 128);
        assert!(frames(&["--mtu", "128"]) >= 512);
        assert!(succeeds(&["--size", "0"]).contains("\nequal: "));
    });
}

#[test]
fn a_slow_cable_and_a_long_one_take_their_time() {
    within(LIMIT, || {
        for (options, least) in [
            // Two seconds for the bytes, and one round trip each for ARP, SYN and the request.
            (&["--size", "64K", "--rate", "32K"][..], 2000),
            (&["--size", "0", "--latency", "100"], 600),
        ] {
            let start = Instant::now();
            succeeds(options);
            let took = start.elapsed().as_millis();
            assert!(took >= least, "{options:?}: {took} ms");
        }
    });
}

#[test]
fn losses_and_damage_are_counted_and_mended() {
    within(LIMIT, || {
        for (option, word) in [("--drop", "lost"), ("--corrupt", "damaged")] {
            let stdout = succeeds(&["--size", "128K", option, "8", "--timeout", "50s"]);
            assert!(received(&stdout, word) > 0, "{option}: {stdout}");
            assert!(stdout.contains("\nequal: "), "{option}: {stdout}");
        }
    });
}

#[test]
fn the_capture_opens_as_a_pcap_file() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.pcap");
        succeeds(&["--size", "5000", "--pcap", file.to_str().unwrap()]);
        let bytes = fs::read(&file).unwrap();
        assert_eq!(bytes[..4], 0xA1B2_C3D4_u32.to_ne_bytes());
        let asked = b"\x49\x7E\x01\x00\x08demo.bin";
        assert!(bytes.windows(asked.len()).any(|window| window == asked), "no request");
        assert!(bytes.len() > 24 + 5000, "{} bytes", bytes.len());
        fails(&["--size", "9", "--pcap", "/dev/full"], "cannot write /dev/full");
    });
}

#[test]
fn a_server_outside_is_asked_and_the_file_is_kept() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let content = random_bytes(9, 300_001);
        fs::create_dir(folder.path().join("served")).unwrap();
        fs::write(folder.path().join("served/f.bin"), &content).unwrap();
        let server = RunningServer::start(&folder.path().join("served"));
        let port = server.port().to_string();
        let target = folder.path().join("kept");
        let target = target.to_str().unwrap();
        let arguments = ["--server", "localhost", &port, "f.bin", "-o", target];
        let stdout = succeeds(&arguments);
        assert!(stdout.contains("\nwhole: "), "{stdout}");
        assert!(fs::read(target).unwrap() == content);
        fails(&arguments, "exists");
        let missing = folder.path().join("missing");
        let missing = missing.to_str().unwrap();
        fails(&["--server", "127.0.0.1", &port, "g", "-o", missing], "no such file (R8)");
        assert_eq!(folder.path().read_dir().unwrap().count(), 2, "something is left behind");
    });
}

/// R12, R14: the early end reaches the device through the gateway, and no file is kept.
#[test]
fn a_server_that_breaks_off_is_an_error() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("f");
        let target = target.to_str().unwrap();
        let short = b"\x49\x7E\x02\x01\x00\x00\x00\x05hel";
        for (answer, ending, why) in [
            (&short[..], Close::Fin, "after 3 of 5 bytes (R12)"),
            (b"", Close::Reset, "the server reset the connection"),
            (b"HTTP/1.1 400", Close::Fin, "R11"),
        ] {
            let peer = ScriptedPeer::start(vec![answer.to_vec()], ending);
            let port = peer.addr().port().to_string();
            fails(&["--server", "127.0.0.1", &port, "f", "-o", target], why);
            assert_eq!(folder.path().read_dir().unwrap().count(), 0, "{why}");
        }
    });
}

#[test]
fn a_wrong_command_line_is_told_apart() {
    within(LIMIT, || {
        for arguments in [
            &["--drop", "101"][..],
            &["--size", "5000000000"],
            &["--rate", "0"],
            &["--rx-buffer", "1"],
            &["--mtu", "9000"],
            &["--timeout", "0s"],
            &["--server", "127.0.0.1", "80", "f"],
            &["--server", "127.0.0.1", "5000", ""],
            &["--wire", "only-one"],
            &["surplus"],
        ] {
            let Ran { code, stdout, stderr } = run(arguments);
            assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
            assert!(stderr.starts_with("error: "), "{stderr}");
        }
    });
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    within(LIMIT, || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let start = Instant::now();
        let arguments = ["--timeout", "300ms", "--server", "127.0.0.1", &port, "f"];
        fails(&arguments, "sent nothing for too long (R15)");
        assert!(start.elapsed().as_secs() < 20);
    });
}
