//! A FETCH client and a FETCH server in Python: files whole, in parts, again, and of a server of
//! the first pair.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use fetchlet_test_kit::fetch::{
    DIGEST, FetchPeer, FileVersion, GOLDEN, IF_THIS, RawAnswer, Reply, TIME,
};
use fetchlet_test_kit::{LIMIT, assert_same, on_disk, random_bytes, within};

use crate::python::{Listening, python};
use crate::python_fetch::{Ended, FetchFolder, python_server, verified};

/// Enough for many answers and segments.
const LARGE: usize = 300_001;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("h.txt"), "hello").unwrap();
    fs::write(folder.path().join("grüße"), "ja").unwrap();
    fs::write(folder.path().join("large"), random_bytes(7, LARGE)).unwrap();
    folder
}

fn assert_equal(target: &FetchFolder, folder: &Path, names: &[&str]) {
    for name in names {
        let received = fs::read(target.file(name)).unwrap();
        assert_same(&received, &fs::read(folder.join(name)).unwrap());
    }
    assert_eq!(on_disk(target.path()).len(), names.len(), "{:?}", on_disk(target.path()));
}

#[test]
fn the_client_sends_the_golden_requests_and_takes_the_golden_answers() {
    within(LIMIT, || {
        let target = FetchFolder::new();
        let [all, rest, other] = GOLDEN;
        let peer = FetchPeer::start(move |asked| match asked.number {
            0 => Reply::cut(all.response.to_vec(), 2),
            1 => Reply::open(rest.response.to_vec()),
            _ => Reply::open(other.response.to_vec()),
        });
        assert_eq!(target.fetch(peer.port(), &["h.txt"], &["--tries", "2"]), verified());
        assert_eq!(fs::read(target.file("h.txt")).unwrap(), b"hello");
        let options = ["--if-changed", "--limit", "0", "--plain"];
        assert_eq!(target.fetch(peer.port(), &["h.txt"], &options), Ended::new(0, &["unchanged"]));
        let asked: Vec<_> = peer.asked().into_iter().map(|asked| asked.bytes).collect();
        assert_eq!(asked, GOLDEN.map(|golden| golden.request.to_vec()));
    });
}

#[test]
fn files_arrive_whole_whatever_the_pieces() {
    within(LIMIT, || {
        let folder = folder();
        let names = ["h.txt", "empty", "grüße", "large"];
        for (options, asking) in [
            (&[][..], &[][..]),
            (&["--piece", "1448"], &["--slow"]),
            (&["--most", "70000", "--unknown", "7"], &[]),
            (&["--hints"], &["--plain"]),
            (&["--keep-alive", "0"], &[]),
        ] {
            let server = python_server(folder.path(), options);
            let target = FetchFolder::new();
            let ended = target.fetch(server.port(), &names, asking);
            assert_eq!(ended.code, 0, "{options:?}: {ended:?}");
            let expected = if options == ["--hints"] { "whole" } else { "verified" };
            assert!(ended.said.iter().all(|said| said == expected), "{options:?}: {ended:?}");
            assert_equal(&target, folder.path(), &names);
        }
        let server = python_server(folder.path(), &["--piece", "1"]);
        let target = FetchFolder::new();
        let small = &names[..3];
        assert_eq!(target.fetch(server.port(), small, &["--slow"]).code, 0);
        assert_equal(&target, folder.path(), small);
    });
}

#[test]
fn several_files_take_one_connection_and_two_writes() {
    within(LIMIT, || {
        let peer = FetchPeer::honest(FileVersion::hashed(b"hello"));
        let target = FetchFolder::new();
        assert_eq!(target.fetch(peer.port(), &["a", "b", "c"], &[]).code, 0);
        let asked = peer.asked();
        assert_eq!(asked.len(), 3);
        assert!(asked.iter().all(|asked| asked.connection == 0), "{asked:?}");
        assert_eq!(on_disk(target.path()).len(), 3);
    });
}

#[test]
fn what_is_not_there_does_not_keep_others_from_coming() {
    within(LIMIT, || {
        let folder = folder();
        let server = python_server(folder.path(), &[]);
        let target = FetchFolder::new();
        let ended = target.fetch(server.port(), &["no", "h.txt", "neither", "empty"], &[]);
        let said = ["not found", "verified", "not found", "verified"];
        assert_eq!(ended, Ended::new(3, &said));
        assert_equal(&target, folder.path(), &["h.txt", "empty"]);
    });
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    within(LIMIT, || {
        let folder = folder();
        let large = fs::read(folder.path().join("large")).unwrap();
        let target = FetchFolder::new();
        let server = python_server(folder.path(), &["--stop-after", "100000"]);
        let cut = Ended::new(6, &["cut short"]);
        assert_eq!(target.fetch(server.port(), &["large"], &[]), cut);
        // 8 bytes of header, 66 of what is known of the file.
        assert_eq!(target.kept("large"), Some(100_000 - 74));
        assert_eq!(target.fetch(server.port(), &["large"], &[]), cut);
        drop(server);

        // Another server, which has the same file: only the rest is asked for.
        let peer = FetchPeer::honest(FileVersion::hashed(&large));
        let kept = 200_000 - 74 - 42;
        assert_eq!(target.kept("large"), Some(kept));
        assert_eq!(target.fetch(peer.port(), &["large"], &[]), verified());
        let fetches = peer.fetches();
        assert_eq!((fetches[0].offset, fetches[0].flags), (kept, IF_THIS));
        assert_eq!(fetches.len(), 1);
        assert_equal(&target, folder.path(), &["large"]);
    });
}

#[test]
fn every_cut_of_an_answer_leads_to_the_whole_file() {
    within(LIMIT, || {
        // The name says after how many bytes the first answer ends, of 79.
        let names: Vec<String> = (1..79).map(|len| format!("{len}")).collect();
        let version = FileVersion::hashed(b"hello");
        let mut cut = HashSet::new();
        let peer = FetchPeer::start(move |asked| {
            let request = asked.fetch.as_ref().unwrap();
            let mut bytes = RawAnswer::honest(request, &version).encode();
            if !cut.insert(request.name.clone()) {
                return Reply::open(bytes);
            }
            bytes.truncate(str::from_utf8(&request.name).unwrap().parse().unwrap());
            Reply::fin(bytes)
        });
        let target = FetchFolder::new();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let ended = target.fetch(peer.port(), &names, &["--tries", "2"]);
        assert_eq!(ended, Ended::new(0, &["verified"; 78]));
        let files = on_disk(target.path());
        assert!(files.len() == 78 && files.iter().all(|(_, content)| content == b"hello"));
    });
}

#[test]
fn a_file_that_changed_is_begun_anew() {
    within(LIMIT, || {
        let folder = folder();
        let server = python_server(folder.path(), &["--stop-after", "100000"]);
        let target = FetchFolder::new();
        assert_eq!(target.fetch(server.port(), &["large"], &[]).code, 6);
        drop(server);

        let server = python_server(folder.path(), &[]);
        fs::write(folder.path().join("large"), "shorter than what is kept").unwrap();
        let changed = Ended::new(8, &["changed"]);
        assert_eq!(target.fetch(server.port(), &["large"], &[]), changed);
        assert_eq!(target.kept("large"), None);
        assert_eq!(target.fetch(server.port(), &["large"], &["--tries", "2"]), verified());
        assert_equal(&target, folder.path(), &["large"]);
    });
}

#[test]
fn a_target_is_asked_for_only_if_it_changed() {
    within(LIMIT, || {
        let folder = folder();
        let server = python_server(folder.path(), &[]);
        let target = FetchFolder::new();
        let ask = || target.fetch(server.port(), &["h.txt"], &["--if-changed"]);
        assert_eq!(ask(), verified());
        assert_eq!(ask(), Ended::new(0, &["unchanged"]));
        fs::write(folder.path().join("h.txt"), "HELLO").unwrap();
        assert_eq!(ask(), verified());
        assert_equal(&target, folder.path(), &["h.txt"]);
    });
}

#[test]
fn what_is_known_of_a_file_comes_without_it() {
    within(LIMIT, || {
        let peer = FetchPeer::honest(FileVersion { mtime: -5, ..FileVersion::hashed(b"hello") });
        let target = FetchFolder::new();
        let ended = target.fetch(peer.port(), &["h.txt"], &["--stat"]);
        let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let tag = &digest[..32];
        let said = format!("total=5 tag=content:{tag} digest={digest} time=-5");
        assert_eq!(ended, Ended::new(0, &[&said]));
        assert_eq!(peer.fetches()[0].flags, DIGEST | TIME);
        assert_eq!(peer.fetches()[0].limit, 0);
        assert_eq!(on_disk(target.path()), []);
    });
}

#[test]
fn a_server_of_the_first_pair_is_asked_once_more_by_the_first_pair() {
    within(LIMIT, || {
        let folder = folder();
        let server = Listening::start(python("server.py").arg(folder.path()));
        let target = FetchFolder::new();
        let names = ["large", "h.txt"];
        let whole = "whole by the first pair";
        assert_eq!(target.fetch(server.port(), &names, &[]), Ended::new(0, &[whole, whole]));
        assert_equal(&target, folder.path(), &names);
        let refused = Ended::new(5, &["an answer of type 2"]);
        assert_eq!(target.fetch(server.port(), &["h.txt"], &["--insist"]), refused);
        assert_eq!(target.fetch(server.port(), &["h.txt"], &["--if-changed"]), refused);
    });
}

#[test]
fn a_server_that_has_answered_a_fetch_is_not_asked_by_the_first_pair() {
    within(LIMIT, || {
        let version = FileVersion::hashed(b"hello");
        let peer = FetchPeer::start(move |asked| match (&asked.fetch, asked.number) {
            (Some(request), 0) => Reply::fin(RawAnswer::honest(request, &version).encode()),
            _ => Reply::fin(fetchlet_test_kit::MALFORMED.to_vec()),
        });
        let target = FetchFolder::new();
        let ended = target.fetch(peer.port(), &["a", "b"], &[]);
        assert_eq!(ended, Ended::new(5, &["verified", "an answer of type 2"]));
        assert!(peer.asked().iter().all(|asked| asked.fetch.is_some()));
    });
}
