//! The library's client and the library's server together, with files of all sizes at which the
//! code takes another path.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::thread;

use fetchlet::{Client, ClientError, IfExists, Progress, Response, StagingError};
use fetchlet_test_kit::{LIMIT, RunningServer, assert_same, entries, random_bytes, within};
use tempfile::TempDir;

/// No byte, one byte, sizes around those of buffers, and sizes far above any buffer.
const SIZES: &[usize] = &[
    0,
    1,
    (64 << 10) - 1,
    64 << 10,
    (64 << 10) + 1,
    (256 << 10) - 1,
    256 << 10,
    (256 << 10) + 1,
    64 << 20,
];

/// The content of the largest file; smaller files are its beginning.
static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| random_bytes(64, 64 << 20));

/// Makes a folder with a file `data` of this size, and serves it.
fn serve(size: usize) -> (TempDir, RunningServer) {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("data"), &CONTENT[..size]).unwrap();
    let server = RunningServer::start(root.path());
    (root, server)
}

fn get(server: &RunningServer, file: &str) -> Result<Response, ClientError> {
    Client::new().get(server.addr(), file)
}

fn download(server: &RunningServer, file: &str) -> Result<Vec<u8>, ClientError> {
    let mut data = Vec::new();
    let summary = get(server, file)?.copy_to(&mut data)?;
    assert_eq!(usize::try_from(summary.len), Ok(data.len()));
    Ok(data)
}

#[test]
fn a_file_of_any_size_arrives_in_memory() {
    for &size in SIZES {
        within(LIMIT, move || {
            let (_root, server) = serve(size);
            assert_same(&download(&server, "data").unwrap(), &CONTENT[..size]);
        });
    }
}

#[test]
fn a_file_of_any_size_arrives_on_disk_and_nothing_is_left_beside_it() {
    for &size in SIZES {
        within(LIMIT, move || {
            let (_root, server) = serve(size);
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("target");
            let summary = get(&server, "data").unwrap().save(&target).unwrap();
            assert_eq!(usize::try_from(summary.len), Ok(size));
            assert_same(&fs::read(&target).unwrap(), &CONTENT[..size]);
            assert_eq!(entries(folder.path()), [target]);
        });
    }
}

#[test]
fn progress_grows_to_the_whole() {
    within(LIMIT, || {
        let size = 1 << 20;
        let (_root, server) = serve(size);
        let mut last = 0;
        let report = |Progress { received, expected }| {
            assert_eq!(usize::try_from(expected), Ok(size));
            assert!((last..=expected).contains(&received), "from {last} to {received}");
            last = received;
        };
        let response = get(&server, "data").unwrap().on_progress(report);
        response.copy_to(&mut Vec::new()).unwrap();
        assert_eq!(usize::try_from(last), Ok(size));
    });
}

#[test]
fn a_file_in_a_folder_arrives() {
    within(LIMIT, || {
        let (root, server) = serve(0);
        fs::create_dir_all(root.path().join("größe/日本")).unwrap();
        fs::write(root.path().join("größe/日本/a b.txt"), "ja").unwrap();
        assert_eq!(download(&server, "größe/日本/a b.txt").unwrap(), b"ja");
    });
}

#[test]
fn a_missing_file_is_not_found_and_leaves_nothing() {
    within(LIMIT, || {
        let (_root, server) = serve(1);
        assert!(matches!(download(&server, "nothing"), Err(ClientError::NotFound)));
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let replace = |response: Response| response.if_exists(IfExists::Replace).save(&target);
        let failed = get(&server, "nothing").and_then(replace);
        assert!(matches!(failed, Err(ClientError::NotFound)), "{failed:?}");
        assert_eq!(entries(folder.path()), [] as [PathBuf; 0]);
    });
}

#[test]
fn an_existing_target_is_kept_unless_it_is_to_be_replaced() {
    within(LIMIT, || {
        let (_root, server) = serve(1000);
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "mine").unwrap();
        let fetch = |if_exists| get(&server, "data").unwrap().if_exists(if_exists).save(&target);
        assert!(matches!(
            fetch(IfExists::Fail),
            Err(ClientError::Staging(StagingError::TargetExists(_)))
        ));
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        fetch(IfExists::Replace).unwrap();
        assert_same(&fs::read(&target).unwrap(), &CONTENT[..1000]);
        assert_eq!(entries(folder.path()), std::slice::from_ref(&target));
    });
}

#[test]
fn a_file_that_is_too_large_is_refused_before_a_byte_is_written() {
    within(LIMIT, || {
        let (_root, server) = serve(1000);
        let refused = Client::new().max_size(999).get(server.addr(), "data").map(|_| ());
        for failed in [refused, get(&server, "data").unwrap().bytes(999).map(|_| ())] {
            let Err(ClientError::TooLarge { announced: 1000, max: 999 }) = failed else {
                panic!("{failed:?}");
            };
        }
        let taken = Client::new().max_size(1000).get(server.addr(), "data").unwrap();
        assert_eq!(taken.bytes(1000).unwrap(), &CONTENT[..1000]);
    });
}

#[test]
fn many_clients_at_once_get_their_own_files() {
    within(LIMIT, || {
        let (root, server) = serve(0);
        for client in 0..32 {
            let content = random_bytes(client, 200_000);
            fs::write(root.path().join(client.to_string()), content).unwrap();
        }
        thread::scope(|scope| {
            for client in 0..32 {
                let server = &server;
                scope.spawn(move || {
                    let data = download(server, &client.to_string()).unwrap();
                    assert_same(&data, &random_bytes(client, 200_000));
                });
            }
        });
    });
}
