//! Folders to serve, the program `fetchlet serve` on a free port, and requests to it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fetchlet_test_kit::{ChildProcess, PATIENCE, ServeProcess, exchange, request};
use tempfile::TempDir;

/// Makes a folder that holds these files, each given by its name and content.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Serves `root` on a free port and returns the server with the first address that it announces.
pub(crate) fn serve(root: &Path, options: &[&str]) -> (ServeProcess, SocketAddr) {
    let mut command = ServeProcess::command(root);
    command.args(options).arg("0");
    let program = ServeProcess::run(command).unwrap();
    let address = program.addr();
    (program, address)
}

/// Runs a command that ends by itself within [`PATIENCE`].
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ChildProcess::start(command).unwrap().output(PATIENCE).unwrap()
}

/// Requests a file and returns the response, header included.
pub(crate) fn fetch(address: SocketAddr, name: &str) -> Vec<u8> {
    exchange(address, &request(name.as_bytes())).unwrap()
}
