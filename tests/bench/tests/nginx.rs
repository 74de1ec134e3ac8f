//! Tests nginx as the measures start it: it serves, and no process of it is left. Where nginx is
//! not installed the test says so, and fails if `CI` is `true`.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use fetchlet_test_kit::{LIMIT, Nginx, installed, skip, until, within};

/// Counts the sockets that listen on this port of the machine, in any process.
fn listeners(port: u16) -> usize {
    let table = format!("0100007F:{port:04X}");
    let listening = fs::read_to_string("/proc/net/tcp").unwrap();
    listening.lines().filter(|line| line.contains(&table) && line.contains(" 0A ")).count()
}

#[test]
fn it_serves_until_it_is_dropped_and_no_worker_goes_on() {
    if installed("nginx").is_err() {
        return skip("nginx", "it is not installed");
    }
    within(LIMIT, || [1, 2].into_iter().for_each(serves_until_it_is_dropped));
}

fn serves_until_it_is_dropped(workers: u32) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "hello").unwrap();
    let nginx = Nginx::start(Ipv4Addr::LOCALHOST, folder.path(), workers, 64, "").unwrap();
    let port = nginx.addr().port();
    let mut stream = TcpStream::connect(nginx.addr()).unwrap();
    stream.write_all(b"GET /file HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhello"),
        "{workers} workers: {answer}"
    );
    assert_eq!(listeners(port), 1);
    drop(nginx);
    // A worker that is left would go on to listen.
    let ended = until(Duration::from_secs(5), || (listeners(port) == 0).then_some(()));
    assert!(ended.is_some(), "something still listens");
}
