//! A file system that stops answering: whoever asks for its files is told so in time, and nobody
//! else notices.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use fetchlet_test_kit::{
    FuseCall, FuseFile, FuseMount, HELLO, LIMIT, ServeProcess, ask, exchange, random_bytes,
    read_all, request, response, skip, until, within,
};
use rustix::process::Signal;
use tempfile::TempDir;

/// The timeout of the server.
const TIMEOUT: Duration = Duration::from_secs(1);
/// What a busy machine may add to an answer that comes at once.
const AT_ONCE: Duration = Duration::from_millis(500);
/// So many ask for the files of the file system that hangs: more than may have a thread.
const CLIENTS: usize = 60;
/// Longer than what is read before it is announced.
const LARGE: usize = 300_000;

/// A server of a folder with a file, and with a file system below. Fields are dropped in order: the
/// server can't end before the file system has answered it.
struct Served {
    fuse: FuseMount,
    server: ServeProcess,
    _folder: TempDir,
}

impl Served {
    /// `None`: this program may not mount, and said so.
    fn start(files: Vec<FuseFile>, ttl: Duration) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "hello").unwrap();
        let fuse = mounted(&folder.path().join("fuse"), files, ttl)?;
        let server = ServeProcess::start(folder.path(), &["--timeout", "1s", "--grace", "0s"]);
        Some(Self { fuse, server: server.unwrap(), _folder: folder })
    }

    fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Asks for the local file, which takes no time.
    fn ask_elsewhere(&self, when: &str) {
        let start = Instant::now();
        assert_eq!(exchange(self.addr(), &request(b"f")).unwrap(), HELLO, "{when}");
        let took = start.elapsed();
        assert!(took < AT_ONCE, "{took:?} {when}");
    }

    /// A client that has asked for a file of the file system.
    fn ask_there(&self, name: &str) -> TcpStream {
        ask(self.addr(), format!("fuse/{name}").as_bytes()).unwrap()
    }

    fn fetch_there(&self, name: &str) -> Vec<u8> {
        answer(self.ask_there(name))
    }
}

fn mounted(at: &Path, files: Vec<FuseFile>, ttl: Duration) -> Option<FuseMount> {
    fs::create_dir(at).unwrap();
    match FuseMount::new(at, files, ttl) {
        Ok(fuse) => Some(fuse),
        Err(error) => {
            skip("a file system of the tests", &error.to_string());
            None
        }
    }
}

fn answer(client: TcpStream) -> Vec<u8> {
    read_all(client).unwrap()
}

fn files() -> Vec<FuseFile> {
    let large = random_bytes(3, LARGE);
    vec![FuseFile::new("small", b"hello".into()), FuseFile::new("large", large)]
}

/// Hangs in each call that there is, with the name known to the kernel and not.
#[test]
fn whatever_hangs_holds_up_nobody_else_and_is_told_in_time() {
    for (call, ttl) in [
        (FuseCall::Open, LIMIT),
        (FuseCall::Read, LIMIT),
        (FuseCall::Statfs, LIMIT),
        (FuseCall::Lookup, Duration::ZERO),
        (FuseCall::Getattr, Duration::ZERO),
    ] {
        within(LIMIT, move || {
            let Some(served) = Served::start(files(), ttl) else { return };
            assert_eq!(served.fetch_there("small"), HELLO);
            assert!(served.fetch_there("large") == response(&random_bytes(3, LARGE)));
            served.fuse.hang(call);
            let start = Instant::now();
            let names = ["small", "large"].into_iter().cycle();
            let clients: Vec<_> = names.take(CLIENTS).map(|name| served.ask_there(name)).collect();
            until(LIMIT, || (served.fuse.held() > 0).then_some(())).unwrap();
            for _ in 0..20 {
                served.ask_elsewhere(&format!("while {call:?} hangs"));
            }
            for client in clients {
                assert_eq!(answer(client), b"", "{call:?}: R8, not now");
            }
            let took = start.elapsed();
            assert!(took < TIMEOUT + AT_ONCE, "{took:?} of {TIMEOUT:?}, {call:?}");
            assert!(served.fuse.held() <= 8, "{} threads hang", served.fuse.held());
            let start = Instant::now();
            assert_eq!(served.fetch_there("small"), b"");
            assert!(start.elapsed() < AT_ONCE, "{call:?}: a folder that hangs is told at once");
            served.ask_elsewhere(&format!("after {call:?} hung"));
            served.fuse.release();
            let served_again = || (served.fetch_there("small") == HELLO).then_some(());
            until(LIMIT, served_again).expect("a file system that answers again");
        });
    }
}

/// FLUSH is what close(2) waits for: the response is whole by then.
#[test]
fn a_close_that_hangs_costs_nobody_a_response() {
    within(LIMIT, || {
        let Some(served) = Served::start(files(), LIMIT) else { return };
        served.fuse.hang(FuseCall::Flush);
        for _ in 0..4 {
            assert_eq!(served.fetch_there("small"), HELLO);
            assert!(served.fetch_there("large") == response(&random_bytes(3, LARGE)));
        }
        until(LIMIT, || (served.fuse.held() == 8).then_some(())).expect("eight that are closed");
        served.ask_elsewhere("while close hangs");
        served.fuse.release();
    });
}

#[test]
fn a_stop_says_which_file_it_hangs_on_and_nobody_can_connect_by_then() {
    for signals in [1, 2] {
        within(LIMIT, move || {
            let Some(served) = Served::start(files(), LIMIT) else { return };
            assert_eq!(served.fetch_there("small"), HELLO);
            served.fuse.hang(FuseCall::Open);
            let client = served.ask_there("small");
            until(LIMIT, || (served.fuse.held() == 1).then_some(())).unwrap();
            for _ in 0..signals {
                served.server.signal(Signal::TERM);
            }
            let line = served.server.logged("does not let go");
            assert!(line.contains("fuse/small"), "{line}");
            assert_eq!(answer(client), b"");
            TcpStream::connect(served.addr()).expect_err("nobody listens");
            served.fuse.release();
            let Served { fuse, server, _folder } = served;
            let code = server.ended().0.code();
            assert!(code == Some(0) || (signals == 2 && code == Some(143)), "{code:?}");
            drop(fuse);
        });
    }
}

/// Four folders may hang, and the names of a fifth one that hangs get a fault at once.
#[test]
fn as_many_folders_as_hang_leave_the_disk_alone() {
    within(LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "hello").unwrap();
        let at = |number: usize| folder.path().join(format!("fuse{number}"));
        let mut mounts = Vec::new();
        for number in 0..5 {
            let Some(mount) = mounted(&at(number), files(), LIMIT) else { return };
            mount.hang(FuseCall::Open);
            mounts.push(mount);
        }
        let server = ServeProcess::start(folder.path(), &["--timeout", "1s", "-q"]).unwrap();
        let ask = |number| ask(server.addr(), format!("fuse{number}/small").as_bytes()).unwrap();
        let clients: Vec<_> = (0..5).flat_map(|number| [number; 10]).map(ask).collect();
        for client in clients {
            assert_eq!(answer(client), b"");
        }
        let held: usize = mounts.iter().map(FuseMount::held).sum();
        assert_eq!(held, 32);
        // Names that the kernel has not looked up yet need a thread.
        for number in 0..50 {
            let name = format!("new{number}");
            fs::write(folder.path().join(&name), "hello").unwrap();
            let start = Instant::now();
            assert_eq!(exchange(server.addr(), &request(name.as_bytes())).unwrap(), HELLO);
            assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
        }
        drop(mounts);
        drop(server);
    });
}
