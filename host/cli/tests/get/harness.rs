//! Servers that answer with raw bytes, and the program `fetchlet get` that downloads from them.

use std::fs;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use fetchlet_test_kit::{
    ChildProcess, HELLO, PATIENCE, ScriptedPeer, bare, fetchlet, listener, until,
};
use tempfile::TempDir;

/// Serves one connection: answers a request with these bytes, then closes.
pub(crate) fn answering(bytes: &[u8]) -> SocketAddr {
    ScriptedPeer::answering(bytes).addr()
}

/// Serves as many connections as there are answers, one after the other.
pub(crate) fn answering_in_turn(
    answers: impl IntoIterator<Item = &'static [u8]> + Send + 'static,
) -> SocketAddr {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for answer in answers {
            let (mut connection, _) = listener.accept().unwrap();
            connection.write_all(answer).unwrap();
            connection.shutdown(Shutdown::Write).unwrap();
            io::copy(&mut connection, &mut io::sink()).ok();
        }
    });
    address
}

/// Serves one connection: sends these bytes, and then nothing until the client closes.
pub(crate) fn silent_after(bytes: &[u8]) -> SocketAddr {
    ScriptedPeer::silent_after(bytes).addr()
}

/// Serves one connection: sends the header and one byte of data, and then nothing.
pub(crate) fn stuck_in_data() -> SocketAddr {
    silent_after(&HELLO[..9])
}

/// Serves one connection: reads the request and calls `answer`.
pub(crate) fn script(
    answer: impl FnOnce(TcpStream) -> io::Result<()> + Send + 'static,
) -> SocketAddr {
    ScriptedPeer::run(answer).addr()
}

/// Runs `fetchlet get` to its end.
pub(crate) fn get(dir: &TempDir, server: SocketAddr, arguments: &[&str]) -> Output {
    finish(program(dir, server, arguments))
}

/// Returns the command `fetchlet get`, with `dir` as its working directory.
pub(crate) fn program(dir: &TempDir, server: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = fetchlet();
    command.args(["get", &server.ip().to_string(), &server.port().to_string()]);
    command.args(arguments).current_dir(dir);
    command
}

/// Returns a command that runs a line of shell, in which `$0` is the program, in `dir`.
pub(crate) fn shell(dir: &TempDir, script: &str) -> Command {
    let mut shell = bare("sh");
    shell.args(["-c", script]).arg(fetchlet().get_program()).current_dir(dir);
    shell
}

/// Runs a command to its end.
pub(crate) fn finish(command: Command) -> Output {
    wait(spawn(command))
}

/// Starts a command whose stdout and stderr [`wait`] returns.
pub(crate) fn spawn(mut command: Command) -> ChildProcess {
    ChildProcess::start(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap()
}

/// Waits for the end of a process, for at most [`PATIENCE`].
pub(crate) fn wait(process: ChildProcess) -> Output {
    process.output(PATIENCE).unwrap()
}

/// Waits until `dir` has a staging file that is not empty, and returns its name.
pub(crate) fn staging_file(dir: &Path) -> String {
    let found = until(PATIENCE, || {
        fs::read_dir(dir).unwrap().flatten().find_map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let begun = entry.metadata().is_ok_and(|it| it.len() > 0);
            (name.contains(".part-") && begun).then_some(name)
        })
    });
    found.unwrap_or_else(|| panic!("no staging file within {PATIENCE:?}"))
}

/// Asserts that the program ended with this exit code and that stderr contains `said`.
#[track_caller]
pub(crate) fn assert_ended(output: &Output, code: i32, said: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(said), "{said:?} is not in {stderr:?}");
}
