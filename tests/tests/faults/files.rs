//! Files and folders that change while they are sent: the client gets exactly the announced number
//! of bytes or an early end, and never padding (R10).

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use fetchlet_test_kit::{
    LIMIT, RunningServer, ask, assert_same, exchange, random_bytes, request, within,
};
use rustix::io::ioctl_fionread;
use tempfile::TempDir;

/// The length of a block in bytes.
const BLOCK: usize = 1 << 20;
/// 64 MiB, more than all socket buffers between server and client hold, so that the server is still
/// sending.
const BLOCKS: usize = 64;
/// The length of the file in bytes.
const LEN: usize = BLOCK * BLOCKS;

/// Returns a file in which every block contains its own number.
fn content(seed: u64) -> Vec<u8> {
    let mut content = random_bytes(seed, BLOCK).repeat(BLOCKS);
    for (at, block) in content.chunks_mut(BLOCK).enumerate() {
        block[..8].copy_from_slice(&at.to_le_bytes());
    }
    content
}

/// Serves a folder that may be renamed, inside a temporary folder.
fn served(content: &[u8]) -> (TempDir, RunningServer) {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("f"), content).unwrap();
    let server = RunningServer::start(&root);
    (outer, server)
}

/// Requests the file and reads the header, which must announce `len` bytes.
fn receiving(server: SocketAddr, len: u32) -> TcpStream {
    let mut client = ask(server, b"f").unwrap();
    let mut header = [0; 8];
    client.read_exact(&mut header).unwrap();
    assert_eq!(header, *[b"\x49\x7E\x02\x01", &len.to_be_bytes()[..]].concat());
    client
}

/// Requests the large file, calls `happen` while the file is on its way, and returns all bytes that
/// arrive.
fn received(server: SocketAddr, happen: impl FnOnce()) -> Vec<u8> {
    let mut client = receiving(server, u32::try_from(LEN).unwrap());
    wait_until_full(&client);
    happen();
    let mut data = Vec::new();
    client.read_to_end(&mut data).expect("an end in order");
    data
}

/// Waits until the buffers between server and client are full: no further byte arrives.
fn wait_until_full(client: &TcpStream) {
    let (_never, nothing) = mpsc::channel::<()>();
    let mut before = 0;
    loop {
        nothing.recv_timeout(Duration::from_millis(50)).expect_err("nobody sends");
        match ioctl_fionread(client).unwrap() {
            same if same == before && same > 0 => break,
            more => before = more,
        }
    }
}

#[test]
fn a_file_that_grows_is_replaced_or_unlinked_is_sent_as_it_was_announced() {
    within(LIMIT, || {
        let old = content(1);
        let grow: fn(&Path) = |file| {
            let mut file = File::options().append(true).open(file).unwrap();
            file.write_all(&vec![7; BLOCK]).unwrap();
        };
        let replace: fn(&Path) = |file| {
            let new = file.with_extension("new");
            fs::write(&new, content(2)).unwrap();
            fs::rename(&new, file).unwrap();
        };
        let unlink: fn(&Path) = |file| fs::remove_file(file).unwrap();
        for change in [grow, replace, unlink] {
            let (outer, server) = served(&old);
            let file = outer.path().join("root/f");
            assert_same(&received(server.addr(), || change(&file)), &old);
        }
    });
}

/// Cuts the file to 0 bytes, to lengths that are on their way, and to lengths that are not reached
/// yet.
#[test]
fn a_file_that_shrinks_ends_early_and_is_sent_up_to_its_new_end() {
    within(LIMIT, || {
        let old = content(1);
        for len in [0, 1001, 100_001, 200_001, 1_000_001, 3 * BLOCK + 1, 40 * BLOCK + 4097] {
            let (outer, server) = served(&old);
            let file = File::options().write(true).open(outer.path().join("root/f")).unwrap();
            let data = received(server.addr(), || {
                file.set_len(u64::try_from(len).unwrap()).unwrap();
            });
            if len > 40 * BLOCK {
                assert_eq!(data.len(), len, "all that is left is sent, and no more");
            }
            assert!(data.len() < LEN, "cut to {len}, yet {} bytes came", data.len());
            let sound = len.min(data.len());
            assert_same(&data[..sound], &old[..sound]);
        }
    });
}

/// The readers get a mixture of old and new bytes, of the announced length.
#[test]
fn a_file_rewritten_in_place_keeps_the_announced_length() {
    within(LIMIT, || {
        let (old, new) = (content(1), content(2));
        let (outer, server) = served(&old);
        let file = File::options().write(true).open(outer.path().join("root/f")).unwrap();
        let data = received(server.addr(), || file.write_all_at(&new, 0).unwrap());
        assert_eq!(data.len(), LEN);
        for (at, block) in data.chunks(BLOCK).enumerate() {
            let range = at * BLOCK..(at + 1) * BLOCK;
            let pairs = || block.iter().zip(old[range.clone()].iter().zip(&new[range.clone()]));
            let pure = block == &old[range.clone()] || block == &new[range.clone()];
            assert!(pure || pairs().all(|(byte, (old, new))| byte == old || byte == new), "{at}");
        }
    });
}

#[test]
fn a_served_folder_that_is_renamed_stays_the_served_one() {
    within(LIMIT, || {
        let old = content(1);
        let (outer, server) = served(&old);
        let data = received(server.addr(), || {
            fs::rename(outer.path().join("root"), outer.path().join("moved")).unwrap();
            fs::create_dir(outer.path().join("root")).unwrap();
            fs::write(outer.path().join("root/g"), "another folder's").unwrap();
        });
        assert_same(&data, &old);
        let answer = |name: &[u8]| exchange(server.addr(), &request(name)).unwrap();
        assert_eq!(answer(b"g"), b"\x49\x7E\x02\x00\x00\x00\x00\x00");
        fs::write(outer.path().join("moved/h"), "hello").unwrap();
        assert_eq!(answer(b"h"), b"\x49\x7E\x02\x01\x00\x00\x00\x05hello");
        // A folder that was removed serves no file.
        fs::remove_dir_all(outer.path().join("moved")).unwrap();
        assert_eq!(answer(b"h"), b"\x49\x7E\x02\x00\x00\x00\x00\x00");
    });
}
