//! The first pair of messages: `client.py` and `server.py`, against our library and our program.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;

use fetchlet::{Client, ClientError};
use fetchlet_codec::DownloadError;
use fetchlet_test_kit::{LIMIT, RunningServer, fetchlet, output, random_bytes, within};

use crate::python::{Listening, hex, python};

fn python_server(folder: &Path, options: &[&str]) -> Listening {
    Listening::start(python("server.py").arg(folder).args(options))
}

fn python_client(port: u16, name: &[u8], options: &[&str]) -> Output {
    output(python("client.py").args(["127.0.0.1", &port.to_string(), &hex(name)]).args(options))
}

fn get(port: u16, name: &str, target: impl AsRef<OsStr>) -> Output {
    output(fetchlet().args(["get", "127.0.0.1", &port.to_string(), name, "-o"]).arg(target))
}

fn download(port: u16, name: &str) -> Result<Vec<u8>, ClientError> {
    Client::new().get(("127.0.0.1", port), name)?.bytes(usize::MAX)
}

/// Makes a folder with an empty file, a small file, and a file of many segments.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("h.txt"), "hello").unwrap();
    fs::write(folder.path().join("grüße"), "ja").unwrap();
    fs::write(folder.path().join("large"), random_bytes(7, 3_000_001)).unwrap();
    folder
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["empty", "h.txt", "grüße", "large"];
    names.map(|name| (name.into(), fs::read(folder.join(name)).unwrap())).into()
}

/// Asserts that a Python client gets every file of `folder` from the server at `port`.
fn python_gets_all(port: u16, folder: &Path) {
    for (name, content) in files(folder) {
        for options in [&[][..], &["--slow"]] {
            let output = python_client(port, name.as_bytes(), options);
            assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
            assert!(output.stdout == content, "{name}: {} bytes", output.stdout.len());
        }
    }
    for (name, code) in
        [(&b"nothing"[..], 3), (b"../h.txt", 3), (b"\xFF", 4), (b"", 4), (&[b'n'; 1025], 4)]
    {
        let output = python_client(port, name, &[]);
        assert_eq!(output.status.code(), Some(code), "{}: {output:?}", name.escape_ascii());
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn a_python_client_gets_files_from_our_library() {
    within(LIMIT, || {
        let folder = folder();
        let server = RunningServer::start(folder.path());
        python_gets_all(server.port(), folder.path());
    });
}

#[test]
fn a_python_client_gets_files_from_our_program() {
    within(LIMIT, || {
        let folder = folder();
        let mut serve = fetchlet();
        serve.args(["serve", "-q", "--root"]).arg(folder.path()).arg("0");
        let server = Listening::start(&mut serve);
        assert_eq!(server.line(), format!("listening on 127.0.0.1:{}\n", server.port()));
        python_gets_all(server.port(), folder.path());
    });
}

#[test]
fn our_library_gets_files_from_a_python_server() {
    within(LIMIT, || {
        let folder = folder();
        for (piece, count) in [("1", 3), ("3", 3), ("1448", 4), ("1000000", 4)] {
            let server = python_server(folder.path(), &["--piece", piece]);
            for (name, content) in files(folder.path()).into_iter().take(count) {
                let data = download(server.port(), &name).unwrap();
                assert!(data == content, "{name} in pieces of {piece}: {} bytes", data.len());
            }
            assert!(matches!(download(server.port(), "nothing"), Err(ClientError::NotFound)));
        }
    });
}

#[test]
fn our_library_notices_every_early_end_of_a_python_server() {
    within(LIMIT, || {
        let folder = folder();
        for len in 0..13_u8 {
            let expected = match len {
                received @ ..8 => DownloadError::ClosedInHeader { received },
                more => DownloadError::ClosedInData { received: u32::from(more) - 8, expected: 5 },
            };
            let server = python_server(folder.path(), &["--stop-after", &len.to_string()]);
            match download(server.port(), "h.txt") {
                Err(ClientError::Protocol(error)) => assert_eq!(error, expected),
                other => panic!("after {len} bytes: {other:?}"),
            }
        }
    });
}

#[test]
fn our_program_gets_files_from_a_python_server() {
    within(LIMIT, || {
        let folder = folder();
        let server = python_server(folder.path(), &["--piece", "1448"]);
        for (name, content) in files(folder.path()) {
            let output = get(server.port(), &name, "-");
            assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
            assert!(output.stdout == content, "{name}: {} bytes", output.stdout.len());
        }
        let output = get(server.port(), "nothing", "-");
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        assert_eq!(output.stdout, b"");
    });
}

#[test]
fn our_program_leaves_nothing_of_a_file_that_a_python_server_cut_short() {
    within(LIMIT, || {
        let folder = folder();
        let target = tempfile::tempdir().unwrap();
        for len in ["0", "7", "8", "1000000"] {
            let server = python_server(folder.path(), &["--stop-after", len]);
            let output = get(server.port(), "large", target.path().join("large"));
            assert_eq!(output.status.code(), Some(18), "after {len} bytes: {output:?}");
            assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0, "after {len} bytes");
        }
    });
}
