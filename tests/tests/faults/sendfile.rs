//! File systems that refuse `sendfile`, simulated by strace: the server copies instead, and a
//! copied response follows the same rules.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use fetchlet_test_kit::{
    LIMIT, ServeProcess, ask, bare, built, exchange, installed, random_bytes, read_all, request,
    skip, within,
};
use tempfile::TempDir;

/// More than the bytes of one write, and no multiple of any buffer.
const LEN: usize = 3_000_001;
/// 64 MiB, more than all buffers of a connection hold.
const LARGE: u64 = 64 << 20;

/// A `fetchlet serve` whose calls of `sendfile` fail, and strace's log of these calls.
struct ServerWithoutSendfile {
    process: ServeProcess,
    log: std::path::PathBuf,
    _logs: TempDir,
}

impl ServerWithoutSendfile {
    fn start(root: &Path, failure: &str, options: &[&str]) -> Self {
        let logs = tempfile::tempdir().unwrap();
        let log = logs.path().join("log");
        let mut strace = bare(installed("strace").unwrap());
        // With `-D` the server is the child, and strace ends with it.
        strace.args(["-D", "-f", "-qq", "-e", "trace=sendfile", "-e"]);
        strace.arg(format!("inject=sendfile:{failure}")).arg("-o").arg(&log);
        strace.arg(built("fetchlet").unwrap()).args(["serve", "0", "--root"]).arg(root);
        let process = ServeProcess::run({
            strace.args(options);
            strace
        });
        Self { process: process.unwrap(), log, _logs: logs }
    }

    /// Returns how many calls of `sendfile` failed.
    fn failed_calls(&self) -> usize {
        fs::read_to_string(&self.log).unwrap().matches("(INJECTED)").count()
    }
}

fn no_strace() -> bool {
    let Err(missing) = installed("strace") else { return false };
    skip("a file system without sendfile", &missing.to_string());
    true
}

fn sparse(len: u64) -> (TempDir, File) {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("f")).unwrap();
    file.set_len(len).unwrap();
    (folder, file)
}

/// `sendfile` fails from its first call on, and from its third, when the kernel has sent a part of
/// the file.
#[test]
fn a_file_that_sendfile_refuses_arrives_whole() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let content = random_bytes(5, LEN);
        fs::write(folder.path().join("f"), &content).unwrap();
        let len = u32::try_from(LEN).unwrap().to_be_bytes();
        let whole = [b"\x49\x7E\x02\x01", &len[..], &content].concat();
        for failure in ["error=EINVAL", "error=ENOSYS", "error=EOPNOTSUPP", "error=EINVAL:when=3+"]
        {
            let server = ServerWithoutSendfile::start(folder.path(), failure, &[]);
            for _ in 0..3 {
                let answer = read_all(ask(server.process.addr(), b"f").unwrap()).unwrap();
                assert!(answer == whole, "{failure}");
                let line = server.process.logged("end=");
                assert!(line.contains("end=\"sent\"") && line.contains("bytes=3000001"), "{line}");
            }
            assert!(server.failed_calls() >= 2, "{failure}");
        }
    });
}

/// R10: the file shrinks while the server waits for a reader that has taken only the header.
#[test]
fn a_copied_file_that_shrinks_ends_early() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        let (folder, file) = sparse(LARGE);
        let server = ServerWithoutSendfile::start(folder.path(), "error=EINVAL", &[]);
        let mut client = ask(server.process.addr(), b"f").unwrap();
        client.read_exact(&mut [0; 8]).unwrap();
        file.set_len(1000).unwrap();
        let mut data = Vec::new();
        client.read_to_end(&mut data).expect("an end in order");
        assert!(!data.is_empty() && (data.len() as u64) < LARGE, "{} bytes", data.len());
        let line = server.process.logged("end=");
        assert!(line.contains("end=\"short file\"") && line.contains("R10"), "{line}");
        assert!(line.contains(&format!("bytes={} ", data.len())), "{} in {line}", data.len());
        assert!(server.failed_calls() > 0);
    });
}

/// R15: the server drops a reader that takes nothing, and serves others meanwhile.
#[test]
fn a_reader_that_takes_nothing_of_a_copied_file_is_dropped() {
    if no_strace() {
        return;
    }
    within(LIMIT, || {
        let (folder, _) = sparse(LARGE);
        fs::write(folder.path().join("small"), "hello").unwrap();
        let server =
            ServerWithoutSendfile::start(folder.path(), "error=EINVAL", &["--timeout", "1s"]);
        let mut stalled = ask(server.process.addr(), b"f").unwrap();
        stalled.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stalled.read_exact(&mut [0; 8]).unwrap();
        let small = exchange(server.process.addr(), &request(b"small")).unwrap();
        assert_eq!(small, b"\x49\x7E\x02\x01\x00\x00\x00\x05hello");
        assert!(server.process.logged("end=").contains("name=\"small\""));
        let line = server.process.logged("end=");
        assert!(line.contains("name=\"f\"") && line.contains("end=\"stalled\""), "{line}");
        assert!(server.failed_calls() > 0);
    });
}
