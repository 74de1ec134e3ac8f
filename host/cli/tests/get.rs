//! `fetchlet get` as built: exit codes, streams, and what is on disk after each failure.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const HELLO: &[u8] = b"\x49\x7E\x02\x01\x00\x00\x00\x05hello";
const NOT_FOUND: &[u8] = b"\x49\x7E\x02\x00\x00\x00\x00\x00";
const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn a_file_is_put_under_its_last_component_and_nothing_goes_to_stdout() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["assets/h.txt"]);
    assert_ended(&output, 0, "5 bytes");
    assert!(output.stdout.is_empty());
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_new_file_has_the_mode_that_the_umask_leaves() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let peer = answering(HELLO);
    let script = format!("umask 027; exec \"$0\" get 127.0.0.1 {} h.txt", peer.port());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_fetchlet")]).current_dir(&dir);
    assert_ended(&finish(shell), 0, "");
    let mode = dir.path().join("h.txt").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn stdout_carries_the_file_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "--output", "-", "--progress", "bar"]);
    assert_ended(&output, 0, "");
    assert_eq!(output.stdout, b"hello");
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn quiet_says_nothing() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "-q"]);
    assert_ended(&output, 0, "");
    assert!(output.stderr.is_empty());
}

#[test]
fn options_are_read_from_the_environment() {
    let dir = TempDir::new().unwrap();
    let mut command = program(&dir, answering(HELLO), &["h.txt"]);
    command.env("FETCHLET_OUTPUT", "other.txt").env("FETCHLET_QUIET", "1");
    let output = finish(command);
    assert_ended(&output, 0, "");
    assert!(output.stderr.is_empty());
    assert_eq!(on_disk(&dir), [("other.txt".into(), b"hello".to_vec())]);
}

#[test]
fn wrong_usage_ends_with_2() {
    let long = "x".repeat(1025);
    for arguments in [
        &["127.0.0.1", "1023", "h.txt"][..],
        &["127.0.0.1", "64001", "h.txt"],
        &["127.0.0.1", "0", "h.txt"],
        &["127.0.0.1", "5000", ""],
        &["127.0.0.1", "5000", &long],
        &["127.0.0.1", "5000", "folder/"],
        &["127.0.0.1", "5000", ".."],
        &["127.0.0.1", "5000", "h.txt", "--output", "folder/"],
        &["127.0.0.1", "5000", "h.txt", "--timeout", "0s"],
        &["127.0.0.1", "5000", "h.txt", "--checksum", "sha256:00"],
        &["127.0.0.1", "5000", "h.txt", "--output", "-", "--print-checksum"],
        &["127.0.0.1", "5000"],
    ] {
        let dir = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
        command.arg("get").args(arguments).current_dir(&dir);
        assert_ended(&finish(command), 2, "");
    }
}

#[test]
fn a_name_without_an_address_ends_with_6() {
    let dir = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
    // No resolver is asked about a name of this form.
    command.args(["get", "a..b", "5000", "h.txt"]).current_dir(&dir);
    assert_ended(&finish(command), 6, "cannot resolve");
}

#[test]
fn a_refused_connection_ends_with_7() {
    let dir = TempDir::new().unwrap();
    // Bound and not listening: nobody else can take the port meanwhile.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    assert_ended(&get(&dir, address, &["h.txt"]), 7, "refused");
}

#[test]
fn answers_of_other_protocols_end_with_8() {
    for (answer, said) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP"),
        (b"SSH-2.0-x\r\n", "SSH"),
        (b"\x49\x7F", "byte 1"),
        (b"\x49\x7E\x01", "byte 2"),
        (b"\x49\x7E\x02\x03", "byte 3"),
        (b"\x49\x7E\x02\x00\x00\x00\x00\x01", "byte 7"),
        (b"\x49\x7E\x02\x02\x00\x00\x00\x00", "R5"),
    ] {
        let dir = TempDir::new().unwrap();
        assert_ended(&get(&dir, answering(answer), &["h.txt"]), 8, said);
        assert_eq!(on_disk(&dir), []);
    }
}

#[test]
fn garbage_is_given_up_at_the_byte_that_shows_it_though_the_peer_stays() {
    let dir = TempDir::new().unwrap();
    let peer = script(|mut peer| {
        peer.write_all(b"\x00").unwrap();
        wait_for_close(peer);
    });
    assert_ended(&get(&dir, peer, &["h.txt", "--timeout", "1h"]), 8, "byte 0 is 0x00");
}

#[test]
fn every_early_end_ends_with_18_and_leaves_nothing() {
    for len in 0..HELLO.len() {
        let dir = TempDir::new().unwrap();
        let output = get(&dir, answering(&HELLO[..len]), &["h.txt"]);
        let counts = if len < 8 {
            format!("after {len} of the header's 8 bytes")
        } else {
            format!("after {} of 5 bytes", len - 8)
        };
        assert_ended(&output, 18, &counts);
        assert_eq!(on_disk(&dir), []);
    }
}

#[test]
fn a_reset_in_the_data_ends_with_18() {
    let dir = TempDir::new().unwrap();
    let peer = script(|mut peer| {
        peer.write_all(&HELLO[..10]).unwrap();
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    });
    assert_ended(&get(&dir, peer, &["h.txt"]), 18, "");
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn bytes_after_the_file_are_not_part_of_it() {
    let dir = TempDir::new().unwrap();
    let mut answer = HELLO.to_vec();
    answer.extend_from_slice(&[b'!'; 100_000]);
    assert_ended(&get(&dir, answering(&answer), &["h.txt"]), 0, "5 bytes");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_folder_that_is_missing_ends_with_23() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "-o", "nowhere/h.txt"]);
    assert_ended(&output, 23, "create the folder first");
}

/// What may be written but not read can't be synced, which makes the file no less whole.
#[test]
fn a_folder_that_can_not_be_read_is_written_all_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o333)).unwrap();
    let mut command = program(&dir, answering(HELLO), &["h.txt"]);
    if rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    let output = finish(command);
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    assert_ended(&output, 0, "");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_full_disk_ends_with_23_and_its_words() {
    let dir = TempDir::new().unwrap();
    let mut command = program(&dir, answering(HELLO), &["h.txt", "-o", "-"]);
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    assert_ended(&wait(child), 23, "No space left on device (os error 28); that is stdout");
}

#[test]
fn a_limit_on_file_sizes_ends_with_23_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let mut answer = b"\x49\x7E\x02\x01\x00\x00\x10\x00".to_vec();
    answer.resize(8 + 4096, 7);
    let peer = answering(&answer);
    let script = format!("ulimit -f 1; exec \"$0\" get 127.0.0.1 {} h.txt", peer.port());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_fetchlet")]).current_dir(&dir);
    assert_ended(&finish(shell), 23, "cannot write h.txt: File too large (os error 27); a limit");
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn a_silent_server_ends_with_28_wherever_it_falls_silent() {
    for (len, said) in [(0, "before the answer"), (5, "before the answer"), (9, "1 of 5 bytes")] {
        let dir = TempDir::new().unwrap();
        let peer = script(move |mut peer| {
            peer.write_all(&HELLO[..len]).unwrap();
            wait_for_close(peer);
        });
        assert_ended(&get(&dir, peer, &["h.txt", "--timeout", "200ms"]), 28, said);
        assert_eq!(on_disk(&dir), []);
    }
}

#[test]
fn a_file_larger_than_allowed_ends_with_63_before_anything_is_written() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "--max-size", "4"]);
    assert_ended(&output, 63, "5 bytes, more than the 4");
    assert_eq!(on_disk(&dir), []);
    let output = get(&dir, answering(HELLO), &["h.txt", "--max-size", "5"]);
    assert_ended(&output, 0, "");
}

const HELLO_SHA256: &str =
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[test]
fn a_checksum_that_is_right_changes_nothing_and_can_be_printed() {
    let dir = TempDir::new().unwrap();
    let arguments = ["h.txt", "--checksum", HELLO_SHA256, "--print-checksum", "--no-sync", "-q"];
    let output = get(&dir, answering(HELLO), &arguments);
    assert_ended(&output, 0, "");
    assert_eq!(output.stdout, format!("{HELLO_SHA256}\n").as_bytes());
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn a_checksum_that_differs_ends_with_32_and_leaves_what_there_was() {
    for len in [5, 3_000_000] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("h.txt"), "old").unwrap();
        let mut answer = HELLO[..4].to_vec();
        answer.extend(u32::try_from(len).unwrap().to_be_bytes());
        answer.resize(8 + len, b'J');
        let server = script(move |peer| self::answer(peer, &answer));
        let arguments = ["h.txt", "--force", "--checksum", HELLO_SHA256, "--print-checksum"];
        let output = get(&dir, server, &arguments);
        assert_ended(&output, 32, HELLO_SHA256);
        assert!(output.stdout.is_empty());
        assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
    }
}

#[test]
fn an_existing_target_ends_with_73_before_connecting() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_ended(&get(&dir, nobody.local_addr().unwrap(), &["h.txt"]), 73, "--force");
    nobody.set_nonblocking(true).unwrap();
    assert!(nobody.accept().is_err(), "it connected");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
}

#[test]
fn a_target_that_appears_meanwhile_ends_with_73_and_stays() {
    let dir = TempDir::new().unwrap();
    let target = dir.path().join("h.txt");
    let peer = script(move |mut peer| {
        peer.write_all(&HELLO[..9]).unwrap();
        fs::write(target, "theirs").unwrap();
        peer.write_all(&HELLO[9..]).unwrap();
    });
    assert_ended(&get(&dir, peer, &["h.txt"]), 73, "exists");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"theirs".to_vec())]);
}

#[test]
fn force_replaces_a_file_and_a_link_but_not_what_the_link_leads_to() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    symlink("h.txt", dir.path().join("link")).unwrap();
    assert_ended(&get(&dir, answering(HELLO), &["x", "-f", "-o", "link"]), 0, "");
    assert!(!dir.path().join("link").is_symlink());
    let [link, file] = [("link".into(), b"hello".to_vec()), ("h.txt".into(), b"old".to_vec())];
    assert_eq!(on_disk(&dir), [file, link.clone()]);
    assert_ended(&get(&dir, answering(HELLO), &["h.txt", "--force"]), 0, "");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec()), link]);
}

#[test]
fn a_forced_download_that_fails_leaves_the_old_file() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    assert_ended(&get(&dir, answering(&HELLO[..12]), &["h.txt", "--force"]), 18, "");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
}

#[test]
fn folders_and_devices_are_never_replaced() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for target in ["folder", "/dev/null"] {
        for force in [&[][..], &["--force"]] {
            let arguments = [&["h.txt", "-o", target], force].concat();
            assert_ended(&get(&dir, answering(HELLO), &arguments), 73, "not a regular file");
        }
    }
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    let output = get(&dir, answering(HELLO), &["h.txt", "-o", "dangling"]);
    assert_ended(&output, 73, "exists");
}

#[test]
fn a_missing_file_ends_with_78_and_is_not_tried_again() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(NOT_FOUND), &["h.txt", "--retry", "3"]);
    assert_ended(&output, 78, "R8");
    assert_eq!(on_disk(&dir), []);
}

#[test]
fn what_may_pass_is_tried_again() {
    let dir = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        answer(listener.accept().unwrap().0, &HELLO[..11]);
        answer(listener.accept().unwrap().0, HELLO);
    });
    let output = get(&dir, address, &["h.txt", "--retry", "1"]);
    assert_ended(&output, 0, "trying again");
    assert_eq!(on_disk(&dir), [("h.txt".into(), b"hello".to_vec())]);
}

#[test]
fn what_went_to_stdout_is_not_sent_there_again() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(&HELLO[..11]), &["h.txt", "--retry", "3", "-o", "-"]);
    assert_ended(&output, 18, "3 of 5 bytes");
    assert_eq!(output.stdout, b"hel");
}

#[test]
fn signals_remove_what_is_unfinished() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("h.txt"), "old").unwrap();
        let child = spawn(program(&dir, stuck_in_data(), &["h.txt", "--force"]));
        staging_file(dir.path());
        kill(&child, signal);
        assert_ended(&wait(child), code, "signal");
        assert_eq!(on_disk(&dir), [("h.txt".into(), b"old".to_vec())]);
    }
}

#[test]
fn a_hang_up_that_was_ignored_before_stays_ignored() {
    let dir = TempDir::new().unwrap();
    let port = stuck_in_data().port();
    let script = format!("trap '' HUP; exec \"$0\" get 127.0.0.1 {port} h.txt");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_fetchlet")]).current_dir(&dir);
    let child = spawn(shell);
    staging_file(dir.path());
    kill(&child, Signal::HUP);
    kill(&child, Signal::TERM);
    assert_ended(&wait(child), 143, "signal");
}

#[test]
fn kill_9_leaves_the_target_as_it_was() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("h.txt"), "old").unwrap();
    let child = spawn(program(&dir, stuck_in_data(), &["h.txt", "--force"]));
    let staging = staging_file(dir.path());
    kill(&child, Signal::KILL);
    assert_eq!(wait(child).status.code(), None);
    assert_eq!(fs::read(dir.path().join("h.txt")).unwrap(), b"old");
    assert!(staging.starts_with(".h.txt.part-"), "{staging}");
}

#[test]
fn a_closed_stdout_ends_quietly_with_141() {
    let dir = TempDir::new().unwrap();
    let peer = script(|mut peer| {
        // More than a pipe holds, so that the write meets the closed end.
        peer.write_all(b"\x49\x7E\x02\x01\x01\x00\x00\x00").unwrap();
        while peer.write_all(&[0; 65536]).is_ok() {}
    });
    let mut command = program(&dir, peer, &["h.txt", "-o", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = wait(child);
    assert_ended(&output, 141, "");
    assert!(output.stderr.is_empty());
}

#[test]
fn no_stdout_at_all_ends_quietly_with_141() {
    for options in ["-o -", "--print-checksum"] {
        let dir = TempDir::new().unwrap();
        let port = answering(HELLO).port();
        let script = format!("exec \"$0\" get 127.0.0.1 {port} h.txt {options} >&-");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_fetchlet")]).current_dir(&dir);
        let output = finish(shell);
        assert_ended(&output, 141, "");
        assert!(output.stderr.is_empty());
        assert_eq!(on_disk(&dir), []);
    }
}

#[test]
fn wrong_usage_is_told_in_one_line_that_steers_no_terminal() {
    for arguments in [&["get"][..], &["get", "h", "\x1b[31m5", "x"], &["got"], &["get", "--no"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
        command.args(arguments);
        let output = finish(command);
        assert_ended(&output, 2, "--help");
        let lines = output.stderr.iter().filter(|byte| **byte == b'\n').count();
        assert!(lines == 1 && !output.stderr.contains(&0x1b), "{output:?}");
    }
}

#[test]
fn names_are_escaped_for_the_terminal() {
    let dir = TempDir::new().unwrap();
    let output = get(&dir, answering(NOT_FOUND), &["a\nb\x1b[31m\u{202e}c"]);
    assert_ended(&output, 78, r"a\nb\u{1b}[31m\u{202e}c: ");
    assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn help_manual_and_completions_name_every_command_and_option() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
        command.args(arguments);
        let output = finish(command);
        assert_ended(&output, 0, "");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["--help"]).contains("serve"));
    let texts = [run(&["man"]), run(&["completions", "bash"]), run(&["get", "--help"])];
    for option in ["output", "force", "timeout", "connect-timeout", "retry", "max-size"] {
        for text in &texts {
            assert!(text.replace('\\', "").contains(&format!("--{option}")), "{option}: {text}");
        }
    }
}

/// A server for one exchange that answers with these bytes, then closes.
fn answering(bytes: &[u8]) -> SocketAddr {
    let bytes = bytes.to_vec();
    script(move |peer| answer(peer, &bytes))
}

/// A server that is stuck after a byte of data.
fn stuck_in_data() -> SocketAddr {
    script(|mut peer| {
        peer.write_all(&HELLO[..9]).unwrap();
        wait_for_close(peer);
    })
}

/// A server for one exchange: `act` runs once the request for the file has come.
fn script(act: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        read_request(&mut peer);
        act(peer);
    });
    address
}

fn answer(mut peer: TcpStream, bytes: &[u8]) {
    peer.write_all(bytes).unwrap();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    wait_for_close(peer);
}

fn read_request(peer: &mut TcpStream) {
    let mut header = [0; 5];
    peer.read_exact(&mut header).unwrap();
    let mut name = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    peer.read_exact(&mut name).unwrap();
}

/// Until the client is gone, however it goes.
fn wait_for_close(mut peer: TcpStream) {
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    while matches!(peer.read(&mut [0; 4096]), Ok(1..)) {}
}

fn get(dir: &TempDir, server: SocketAddr, arguments: &[&str]) -> Output {
    finish(program(dir, server, arguments))
}

fn program(dir: &TempDir, server: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fetchlet"));
    command.args(["get", &server.ip().to_string(), &server.port().to_string()]);
    command.args(arguments).current_dir(dir).process_group(0);
    command
}

fn finish(command: Command) -> Output {
    wait(spawn(command))
}

fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end, not longer than the deadline.
fn wait(child: Child) -> Output {
    let pid = Pid::from_child(&child);
    let (done, waiting) = std::sync::mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output().unwrap()));
    waiting.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("it did not end within {DEADLINE:?}");
    })
}

fn kill(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until there is a staging file with a byte in it; its name.
fn staging_file(dir: &Path) -> String {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.contains(".part-") && entry.metadata().is_ok_and(|it| it.len() > 0) {
                return name;
            }
        }
        thread::yield_now();
    }
    panic!("no staging file within {DEADLINE:?}");
}

fn on_disk(dir: &TempDir) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[track_caller]
fn assert_ended(output: &Output, code: i32, said: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(said), "{said:?} is not in {stderr:?}");
}
