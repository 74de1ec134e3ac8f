//! Bugs that clients of other protocols had, and the first draft of FETCH, each as a test.

use std::fs;

use fetchlet_test_kit::fetch::{FetchPeer, FileVersion, IF_THIS, RawAnswer, RawFetch, Reply};
use fetchlet_test_kit::{LIMIT, assert_same, on_disk, random_bytes, within};

use crate::python_fetch::{Ended, FetchFolder, verified};

const LEN: usize = 1000;

/// Fetches `x` of this version into `folder` until half of its data, and leaves a part.
fn half(folder: &FetchFolder, version: &FileVersion) {
    let version = version.clone();
    let peer = FetchPeer::start(move |asked| {
        let answer = RawAnswer::honest(asked.fetch.as_ref().unwrap(), &version);
        Reply::cut(answer.encode(), LEN / 2)
    });
    let ended = folder.fetch(peer.port(), &["x"], &[]);
    assert_eq!(ended, Ended::new(6, &["cut short"]));
    assert_eq!(folder.kept("x"), Some(LEN as u64 / 2));
}

/// Goes on with `x` at a server that has this version, and returns what was asked as well.
fn go_on(folder: &FetchFolder, version: &FileVersion) -> (Ended, Vec<RawFetch>) {
    let peer = FetchPeer::honest(version.clone());
    let ended = folder.fetch(peer.port(), &["x"], &["--tries", "2"]);
    (ended, peer.fetches())
}

#[test]
fn a_part_that_is_whole_is_verified_without_asking_for_a_byte() {
    within(LIMIT, || {
        let version = FileVersion::hashed(&random_bytes(1, LEN));
        let folder = FetchFolder::new();
        half(&folder, &version);
        // The rest was written and counted, and then the client was killed.
        let record = fs::read_to_string(folder.file("x.record")).unwrap();
        let whole = record.replace("\"count\": 500", "\"count\": 1000");
        assert_ne!(record, whole);
        fs::write(folder.file("x.record"), whole).unwrap();
        fs::write(folder.file("x.part"), &version.content).unwrap();

        let (ended, asked) = go_on(&folder, &version);
        assert_eq!(ended, verified());
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].flags, asked[0].limit), (IF_THIS, 0));
        assert_same(&fs::read(folder.file("x")).unwrap(), &version.content);
    });
}

#[test]
fn two_versions_with_one_hint_are_never_called_proven() {
    within(LIMIT, || {
        // As after a build with SOURCE_DATE_EPOCH: length and modification time are equal.
        let [old, new] = [1, 2].map(|seed| FileVersion::hinted(&random_bytes(seed, LEN), 7));
        assert_eq!(old.tag, new.tag);
        let folder = FetchFolder::new();
        half(&folder, &old);
        let (ended, asked) = go_on(&folder, &new);
        assert_eq!(ended, Ended::new(0, &["unproven"]));
        assert_eq!(asked[0].offset, LEN as u64 / 2);
        assert_ne!(fs::read(folder.file("x")).unwrap(), new.content);

        // A server that hashes tells them apart.
        let [old, new] = [old, new].map(|version| FileVersion::hashed(&version.content));
        let folder = FetchFolder::new();
        half(&folder, &old);
        assert_eq!(go_on(&folder, &new).0, verified());
        assert_same(&fs::read(folder.file("x")).unwrap(), &new.content);
    });
}

#[test]
fn replicas_with_other_times_are_one_version() {
    within(LIMIT, || {
        let content = random_bytes(1, LEN);
        let [one, other] =
            [3, 4].map(|mtime| FileVersion { mtime, ..FileVersion::hashed(&content) });
        let folder = FetchFolder::new();
        half(&folder, &one);
        let (ended, asked) = go_on(&folder, &other);
        assert_eq!(ended, verified());
        assert_eq!(asked.len(), 1);
        assert_same(&fs::read(folder.file("x")).unwrap(), &content);

        // Those that hash nothing look like two versions: begun anew, never mixed.
        let [one, other] = [3, 4].map(|mtime| FileVersion::hinted(&content, mtime));
        let folder = FetchFolder::new();
        half(&folder, &one);
        let (ended, asked) = go_on(&folder, &other);
        assert_eq!(ended, Ended::new(0, &["whole"]));
        assert_eq!(asked.iter().map(|it| it.offset).collect::<Vec<_>>(), [LEN as u64 / 2, 0]);
    });
}

#[test]
fn a_part_without_record_or_a_record_without_part_is_dropped() {
    within(LIMIT, || {
        let version = FileVersion::hashed(&random_bytes(1, LEN));
        for lost in ["x.part", "x.record"] {
            let folder = FetchFolder::new();
            half(&folder, &version);
            fs::remove_file(folder.file(lost)).unwrap();
            let (ended, asked) = go_on(&folder, &version);
            assert_eq!(ended, verified(), "{lost}");
            assert_eq!((asked.len(), asked[0].offset, asked[0].flags & IF_THIS), (1, 0, 0));
            assert_eq!(on_disk(folder.path()), [("x".into(), version.content.clone())]);
        }
    });
}

#[test]
fn nothing_is_dropped_when_the_file_is_not_there_for_now() {
    within(LIMIT, || {
        let version = FileVersion::hashed(&random_bytes(1, LEN));
        let folder = FetchFolder::new();
        half(&folder, &version);
        for (answer, ended) in [
            (RawAnswer::without_file(0).encode(), Ended::new(3, &["not found"])),
            (RawAnswer::not_now(0).encode(), Ended::new(9, &["not now"])),
            (RawAnswer::without_file(6).encode(), Ended::new(9, &["not now"])),
            (RawAnswer::without_file(2).encode(), Ended::new(4, &["malformed"])),
            (fetchlet_test_kit::MALFORMED.to_vec(), Ended::new(5, &["an answer of type 2"])),
            (Vec::new(), Ended::new(6, &["cut short"])),
        ] {
            let peer = FetchPeer::start(move |_| Reply::fin(answer.clone()));
            assert_eq!(folder.fetch(peer.port(), &["x"], &[]), ended);
            assert_eq!(folder.kept("x"), Some(LEN as u64 / 2), "{ended:?}");
        }
        assert_eq!(go_on(&folder, &version).0, verified());
    });
}
