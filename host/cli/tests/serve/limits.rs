//! Timeouts, limits on connections, and a shortage of descriptors.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    PATIENCE, ServeProcess, ask, connect, random_bytes, read_all, request, response,
};
use rustix::process::{Resource, Rlimit, Signal, prlimit};
use socket2::{Domain, Socket, Type};

use crate::harness::*;

/// Requests a file on a connection whose receive buffer is far smaller than the file.
fn ask_with_small_buffer(address: SocketAddr, name: &[u8]) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request(name)).unwrap();
    stream
}

#[test]
fn the_request_deadline_is_absolute() {
    let folder = folder(&[]);
    let options = ["--request-deadline", "500ms"];
    let (program, address) = serve(folder.path(), &options);
    let start = Instant::now();
    let mut silent = connect(address).unwrap();
    let mut trickling = connect(address).unwrap();
    let mut writer = trickling.try_clone().unwrap();
    thread::spawn(move || {
        for byte in request(&[b'x'; 1000]) {
            if writer.write_all(&[byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(read_all(&mut silent).unwrap(), b"");
    assert!(start.elapsed() >= Duration::from_millis(500));
    let line = program.logged("end=");
    assert!(line.contains("end=\"deadline\"") && !line.contains("status="), "{line}");
    // The close may reset the connection, because input is unread; the peer gets no answer.
    assert_eq!(read_all(&mut trickling).unwrap_or_default(), b"");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(program.logged("end=").contains("end=\"deadline\""));
}

#[test]
fn a_stalled_reader_is_dropped_and_disturbs_nobody() {
    let folder = folder(&[("small", b"small")]);
    let big = File::create(folder.path().join("big")).unwrap();
    big.set_len(500_000_000).unwrap();
    let (program, address) = serve(folder.path(), &["--timeout", "1s"]);
    let mut stalled = ask(address, b"big").unwrap();
    let mut header = [0; 8];
    stalled.read_exact(&mut header).unwrap();
    assert_eq!(fetch(address, "small"), response(b"small"));
    assert!(program.logged("end=").contains("name=\"small\""));
    let line = program.logged("end=");
    assert!(line.contains("name=\"big\"") && line.contains("end=\"stalled\""), "{line}");
    let received = read_all(&mut stalled).unwrap_or_default().len();
    assert!(received < 500_000_000);
}

/// R15: only a timeout without progress ends a response. The reader takes far less per timeout than
/// the kernel buffers for it.
#[test]
fn a_slow_reader_is_not_stalled() {
    let folder = folder(&[]);
    let content = random_bytes(1, 1_000_000);
    std::fs::write(folder.path().join("big"), &content).unwrap();
    let (program, address) = serve(folder.path(), &["--timeout", "2s"]);
    let mut slow = ask_with_small_buffer(address, b"big");
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(8) {
        let len = slow.read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..len]);
        thread::sleep(Duration::from_millis(200));
    }
    slow.read_to_end(&mut received).unwrap();
    assert!(received == response(&content));
    assert!(program.logged("end=").contains("end=\"sent\""));
}

#[test]
fn one_peer_has_only_so_many_connections() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (program, address) = serve(folder.path(), &["--max-per-peer", "2"]);
    let held = [connect(address).unwrap(), connect(address).unwrap()];
    // A third connection is accepted and closed without an answer.
    for _ in 0..3 {
        assert_eq!(read_all(&mut connect(address).unwrap()).unwrap_or_default(), b"");
    }
    assert!(program.logged("too many connections").contains("WARN"));
    let [mut first, second] = held;
    first.write_all(&request(b"h.txt")).unwrap();
    assert_eq!(read_all(&mut first).unwrap(), response(b"hello"));
    drop(second);
    assert!(program.logged("end=").contains("end=\"sent\""));
    // The server counts a connection a moment longer than its peer sees it.
    let start = Instant::now();
    loop {
        let mut stream = ask(address, b"h.txt").unwrap();
        match read_all(&mut stream) {
            Ok(answer) if answer == response(b"hello") => break,
            _ => assert!(start.elapsed() < PATIENCE, "the connection still counts"),
        }
    }
}

#[test]
fn connections_beyond_the_maximum_wait() {
    let folder = folder(&[("h.txt", b"hello")]);
    let options = ["-v", "--max-connections", "1", "--bind", "127.0.0.1,127.0.0.2"];
    let (program, address) = serve(folder.path(), &options);
    let other = program.next_addr();
    // The limit of 1 is for both listeners together: an idle listener must not reserve it.
    for at in [address, other, address, other] {
        assert_eq!(fetch(at, "h.txt"), response(b"hello"));
    }
    let holder = connect(address).unwrap();
    // Once this is logged no other connection can take the only slot.
    program.logged(&holder.local_addr().unwrap().to_string());
    let mut waiting = [connect(address).unwrap(), connect(other).unwrap()];
    for stream in &mut waiting {
        stream.write_all(&request(b"h.txt")).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream.read_exact(&mut [0]).expect_err("it is not its turn");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    drop(holder);
    for stream in &mut waiting {
        assert_eq!(read_all(stream).unwrap(), response(b"hello"));
    }
}

/// Connections and opened files share few descriptors: requests wait for a free one.
#[test]
fn few_descriptors_are_shared_and_nobody_is_turned_away() {
    let folder = folder(&[("h.txt", b"hello")]);
    File::create(folder.path().join("big")).unwrap().set_len(10_000_000).unwrap();
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", r#"ulimit -n 64; exec "$0" serve --root "$1" 0"#]);
    command.arg(env!("CARGO_BIN_EXE_fetchlet")).arg(folder.path());
    let program = ServeProcess::run(command).unwrap();
    let address = program.addr();
    let warning = program.logged("the default --max-connections 4096");
    assert!(warning.contains("using 24; raise it: `ulimit -n`"), "{warning}");
    let readers = (0..40).map(|_| ask(address, b"big").unwrap());
    let readers: Vec<_> = readers.collect();
    let readers = readers.into_iter().map(|mut reader| {
        thread::spawn(move || read_all(&mut reader).map(|response| response.len()))
    });
    for reader in readers.collect::<Vec<_>>() {
        assert_eq!(reader.join().unwrap().unwrap(), 10_000_008);
    }
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    program.signal(Signal::TERM);
    let (_, log) = program.ended();
    assert!(!log.iter().any(|line| line.contains("server fault")), "{log:#?}");
}

/// The limit is what stands in the way, so it comes before any other word of the server's.
#[test]
fn too_low_a_limit_of_open_files_says_how_to_raise_it() {
    let folder = folder(&[]);
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", r#"ulimit -n 20; exec "$0" serve --root "$1" 0"#]);
    let output = output(command.arg(env!("CARGO_BIN_EXE_fetchlet")).arg(folder.path()));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected =
        "fetchlet: the limit of open files is 20, and at least 34 are needed; raise it: ";
    assert!(said.starts_with(expected) && said.lines().count() == 1, "{said}");
    assert_eq!(output.status.code(), Some(1));
}

/// When no descriptor is free the server logs that, waits, and goes on.
#[test]
fn a_shortage_of_descriptors_is_waited_out() {
    let folder = folder(&[("h.txt", b"hello")]);
    let (program, address) = serve(folder.path(), &[]);
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
    let few = Rlimit { current: Some(3), maximum: Some(1000) };
    prlimit(Some(program.pid()), Resource::Nofile, few).unwrap();
    let mut waiting = ask(address, b"h.txt").unwrap();
    assert!(program.logged("cannot accept").contains("WARN"));
    let enough = Rlimit { current: Some(1000), maximum: Some(1000) };
    prlimit(Some(program.pid()), Resource::Nofile, enough).unwrap();
    assert_eq!(read_all(&mut waiting).unwrap(), response(b"hello"));
}

/// Bytes that the server receives while the response is still on its way (R7).
#[test]
fn late_bytes_do_not_destroy_the_response() {
    let content = random_bytes(1, 60_000);
    let folder = folder(&[("file", &content)]);
    let (program, address) = serve(folder.path(), &[]);
    let mut peer = ask_with_small_buffer(address, b"file");
    assert!(program.logged("end=").contains("end=\"sent\""));
    peer.write_all(&[b'!'; 200_000]).unwrap();
    assert!(read_all(&mut peer).unwrap() == response(&content));
}
