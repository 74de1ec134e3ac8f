//! The service manager's end of `NOTIFY_SOCKET`.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use fetchlet_test_kit::PATIENCE;
use tempfile::TempDir;

/// A socket to be notified at.
pub(crate) struct Manager {
    socket: UnixDatagram,
    folder: TempDir,
}

impl Manager {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(Self::path_in(folder.path())).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, folder }
    }

    /// The value of `NOTIFY_SOCKET`.
    pub(crate) fn path(&self) -> PathBuf {
        Self::path_in(self.folder.path())
    }

    fn path_in(folder: &Path) -> PathBuf {
        folder.join("notify")
    }

    /// Returns what it is told next.
    #[track_caller]
    pub(crate) fn told(&self) -> String {
        let mut state = [0; 200];
        let len = self.socket.recv(&mut state).unwrap();
        String::from_utf8(state[..len].to_vec()).unwrap()
    }

    /// Asserts that it is told that a reload begins, and returns what it is told at its end.
    #[track_caller]
    pub(crate) fn told_of_a_reload(&self) -> String {
        let begun = self.told();
        let since = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&begun);
        assert!(since.parse::<u64>().unwrap() > 0);
        self.told()
    }
}
