//! Filenames that try to leave the served folder, or to hang or confuse its server (R5, R8): each
//! gets the exact answer and no more bytes, and the server serves the next client.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use fetchlet::server::{Config, RootOptions, Symlinks};
use fetchlet_codec::Status;
use fetchlet_test_kit::{
    HostileFolder, LIMIT, MALFORMED, NOT_FOUND, RunningServer, exchange, request, within,
};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

fn ask(addr: SocketAddr, name: &[u8]) -> Vec<u8> {
    exchange(addr, &request(name))
        .unwrap_or_else(|error| panic!("{}: {error}", name.escape_ascii()))
}

/// Returns the response for a file that contains `data`.
fn file(data: &[u8]) -> Vec<u8> {
    let len = u32::try_from(data.len()).unwrap();
    [b"\x49\x7E\x02\x01", &len.to_be_bytes()[..], data].concat()
}

/// Runs `body` beside a server of a [`HostileFolder`].
fn served(
    options: RootOptions,
    body: impl FnOnce(&HostileFolder, &RunningServer) + Send + 'static,
) {
    within(LIMIT, move || {
        let base = tempfile::tempdir().unwrap();
        let served = HostileFolder::new(base.path()).unwrap();
        let server = RunningServer::with(&served.root(), options, Config::default());
        body(&served, &server);
    });
}

fn follow() -> RootOptions {
    let mut options = RootOptions::default();
    options.symlinks = Symlinks::Inside;
    options
}

#[test]
fn every_hostile_name_gets_the_exact_answer_and_the_next_client_is_served() {
    served(RootOptions::default(), |served, server| {
        for hostile in served.hostile() {
            let expected = match hostile.status {
                Status::Malformed => MALFORMED,
                _ => NOT_FOUND,
            };
            let answer = ask(server.addr(), &hostile.name);
            let shown = answer[..answer.len().min(64)].escape_ascii();
            assert!(answer == expected, "{}: {} bytes: {shown}", hostile.what, answer.len());
            let next = ask(server.addr(), b"hello.txt");
            assert_eq!(next, file(b"inside: hello.txt"), "after {}", hostile.what);
        }
    });
}

/// A server that finds no file at all would pass every other test here.
#[test]
fn every_open_name_leads_to_its_file() {
    for options in [RootOptions::default(), follow()] {
        served(options, |served, server| {
            for name in HostileFolder::open_names() {
                let content = fs::read(served.root().join(&name)).unwrap();
                assert_eq!(ask(server.addr(), name.as_bytes()), file(&content), "{name}");
            }
        });
    }
}

#[test]
fn hidden_files_are_found_if_they_are_to_be() {
    let mut options = RootOptions::default();
    options.hidden = true;
    served(options, |_, server| {
        for name in [".hidden", "sub/.hidden", ".dot/file", "sub/.dot/file", "...", "..a"] {
            let content = format!("{}{name}", HostileFolder::OPEN);
            assert_eq!(ask(server.addr(), name.as_bytes()), file(content.as_bytes()), "{name}");
        }
        for name in ["..", ".", "../secret.txt", "sub/..", "sub/.", "./hello.txt", "link-inside"] {
            assert_eq!(ask(server.addr(), name.as_bytes()), NOT_FOUND, "{name}");
        }
    });
}

#[test]
fn links_are_followed_while_they_stay_inside_if_they_are_to_be() {
    served(follow(), |_, server| {
        for (name, leads_to) in [
            ("link-inside", "hello.txt"),
            ("link-to-folder/inner.txt", "sub/inner.txt"),
            ("sub/link-up/hello.txt", "hello.txt"),
            ("sub/link-up/link-to-folder/deep/deeper.txt", "sub/deep/deeper.txt"),
        ] {
            let content = format!("{}{leads_to}", HostileFolder::OPEN);
            assert_eq!(ask(server.addr(), name.as_bytes()), file(content.as_bytes()), "{name}");
        }
        for name in [
            "link-outside",
            "link-absolute",
            "link-to-outside/secret.txt",
            "link-to-outside/deep/secret.txt",
            "link-to-parent/secret.txt",
            "link-to-parent/root/hello.txt",
            "link-to-slash/etc/passwd",
            "link-to-proc/exe",
            "sub/link-outside",
            "sub/deep/link-to-outside/secret.txt",
            "link-to-folder/../hello.txt",
            "link-to-self",
            "link-to-nothing",
            "link-to-folder",
        ] {
            assert_eq!(ask(server.addr(), name.as_bytes()), NOT_FOUND, "{name}");
        }
    });
}

/// An `open` of a pipe without `O_NONBLOCK` blocks its thread until a process writes to the pipe.
#[test]
fn many_at_a_pipe_do_not_keep_others_waiting() {
    served(RootOptions::default(), |_, server| {
        let addr = server.addr();
        thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(move || assert_eq!(ask(addr, b"pipe"), NOT_FOUND));
            }
        });
        assert_eq!(ask(addr, b"hello.txt"), file(b"inside: hello.txt"));
    });
}

/// The lookup must not follow a link whose target changes between a check and the opening.
#[test]
fn a_link_that_is_swapped_all_the_time_never_leads_outside() {
    served(follow(), |served, server| {
        let root = served.root();
        let (stop, stopped) = mpsc::channel::<()>();
        let swapper = thread::spawn(move || {
            let swap = |target: &Path| {
                std::os::unix::fs::symlink(target, root.join("next")).unwrap();
                fs::rename(root.join("next"), root.join("swapped")).unwrap();
            };
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                swap(Path::new("sub"));
                swap(Path::new("../outside"));
            }
        });
        fs::write(served.root().join("sub/secret.txt"), "inside: harmless").unwrap();
        for _ in 0..2000 {
            let answer = ask(server.addr(), b"swapped/secret.txt");
            assert!(
                answer == NOT_FOUND || answer == file(b"inside: harmless"),
                "{}",
                answer.escape_ascii()
            );
        }
        drop(stop);
        swapper.join().unwrap();
    });
}

/// Paths of components that exist, that lie beside the root, and that have a meaning to some
/// system.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let component = prop_oneof![
        4 => prop::sample::select(vec!["..", "..", "..", ".", "", "sub", "deep", "root", "root-2"]),
        4 => prop::sample::select(vec!["secret.txt", "outside", "hello.txt", "inner.txt", ".dot"]),
        4 => prop::sample::select(vec![
            "link-inside", "link-to-folder", "link-outside", "link-to-parent", "link-to-outside",
            "link-to-slash", "link-to-proc", "link-absolute", "link-up", "cwd", "root", "fd", "3",
        ]),
        1 => prop::sample::select(vec!["..\\", "..\0", "\u{2024}\u{2024}", "%2e%2e", "... ", "~"]),
    ];
    let path = prop::collection::vec(component, 1..8).prop_map(|path| path.join("/").into_bytes());
    prop_oneof![8 => path, 1 => "\\PC{1,40}".prop_map(String::into_bytes), 1 => prop::collection::vec(any::<u8>(), 1..40)]
}

#[test]
fn no_name_leaves_the_root() {
    for symlinks in [Symlinks::Deny, Symlinks::Inside] {
        let mut options = RootOptions::default();
        options.symlinks = symlinks;
        options.hidden = true;
        served(options, |served, server| {
            let absolute = served.secret().into_os_string().into_encoded_bytes();
            let name = prop_oneof![
                20 => path(),
                1 => path().prop_map(move |path| [&absolute[..], b"/", &path].concat()),
            ];
            let cases = Cases { cases: 1000, failure_persistence: None, ..Cases::default() };
            let outcome = TestRunner::new(cases).run(&name, |name| {
                let answer = ask(server.addr(), &name);
                match answer.split_at_checked(8) {
                    Some((_, data)) if data.starts_with(HostileFolder::OPEN.as_bytes()) => {
                        prop_assert_eq!(&answer, &file(data));
                    }
                    _ => prop_assert!(
                        answer == NOT_FOUND || answer == MALFORMED,
                        "{}",
                        answer.escape_ascii()
                    ),
                }
                Ok(())
            });
            outcome.unwrap_or_else(|error| panic!("{error}"));
        });
    }
}
