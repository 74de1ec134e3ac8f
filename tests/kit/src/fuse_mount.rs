//! A file system in this program, that stops answering when it is told to, and that tells a length
//! that is not that of the content.

use std::any::Any;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, Request, Session, SessionACL,
};
use rustix::mount::{UnmountFlags, unmount};

use crate::namespace::private_mounts;

/// The inode of the first file; that of the folder is 1.
const FIRST_INODE: u64 = 2;

/// A call into the file system that may hang.
#[expect(clippy::exhaustive_enums, reason = "its users are in this workspace")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuseCall {
    /// The lookup of a name.
    Lookup,
    /// The attributes of a file.
    Getattr,
    /// The open of a file.
    Open,
    /// A read.
    Read,
    /// The close of a descriptor, which the kernel calls so.
    Flush,
    /// What kind of file system this is.
    Statfs,
}

/// A file of the file system.
#[expect(clippy::exhaustive_structs, reason = "its users are in this workspace")]
#[derive(Clone, Debug)]
pub struct FuseFile {
    /// The name, in the only folder there is.
    pub name: &'static str,
    /// What a reader gets.
    pub content: Vec<u8>,
    /// The length in bytes that the attributes tell.
    pub claimed_len: u64,
}

impl FuseFile {
    /// Returns a file that tells its length.
    pub fn new(name: &'static str, content: Vec<u8>) -> Self {
        let claimed_len = content.len() as u64;
        Self { name, content, claimed_len }
    }
}

/// A mounted file system. Dropped, it answers what it has left unanswered, and unmounts.
#[derive(Debug)]
pub struct FuseMount {
    at: PathBuf,
    state: Arc<Mutex<FuseState>>,
    _session: BackgroundSession,
}

#[derive(Debug, Default)]
struct FuseState {
    hanging: Vec<FuseCall>,
    /// The replies of calls that hang. A dropped one is an EIO.
    held: Vec<Box<dyn Any + Send>>,
}

impl FuseMount {
    /// Mounts `files` at the folder `at`, in mounts of this thread's own: this thread and the
    /// programs that it starts see it. The kernel keeps names and attributes for `ttl`.
    ///
    /// # Errors
    ///
    /// If this program may not mount, or there is no FUSE.
    pub fn new(at: &Path, files: Vec<FuseFile>, ttl: Duration) -> io::Result<Self> {
        private_mounts()?;
        let state = Arc::new(Mutex::new(FuseState::default()));
        let file_system = FuseFileSystem { files, ttl, state: Arc::clone(&state) };
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("test".into())];
        config.acl = SessionACL::All;
        let session = Session::new(file_system, at, &config)?.spawn()?;
        Ok(Self { at: at.into(), state, _session: session })
    }

    /// Answers this kind of call no more.
    pub fn hang(&self, call: FuseCall) {
        lock(&self.state).hanging.push(call);
    }

    /// Returns how many calls wait for an answer.
    pub fn held(&self) -> usize {
        lock(&self.state).held.len()
    }

    /// Answers all calls that wait, by an I/O error, and those that come.
    pub fn release(&self) {
        let mut state = lock(&self.state);
        state.hanging.clear();
        state.held.clear();
    }
}

impl Drop for FuseMount {
    fn drop(&mut self) {
        self.release();
        // It ends with the last process that uses it, at the latest with this thread.
        unmount(&self.at, UnmountFlags::DETACH).ok();
    }
}

fn lock(state: &Mutex<FuseState>) -> MutexGuard<'_, FuseState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file system that answers the kernel.
struct FuseFileSystem {
    files: Vec<FuseFile>,
    ttl: Duration,
    state: Arc<Mutex<FuseState>>,
}

impl FuseFileSystem {
    /// Returns the reply, unless this kind of call hangs.
    fn admit<R: Any + Send>(&self, call: FuseCall, reply: R) -> Option<R> {
        let mut state = lock(&self.state);
        if state.hanging.contains(&call) {
            state.held.push(Box::new(reply));
            return None;
        }
        Some(reply)
    }

    fn file(&self, inode: u64) -> Option<&FuseFile> {
        self.files.get(usize::try_from(inode.checked_sub(FIRST_INODE)?).ok()?)
    }

    fn attributes(&self, inode: u64) -> Option<FileAttr> {
        let (kind, size) = match inode {
            1 => (FileType::Directory, 0),
            _ => (FileType::RegularFile, self.file(inode)?.claimed_len),
        };
        Some(FileAttr {
            ino: INodeNo(inode),
            size,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm: if inode == 1 { 0o755 } else { 0o644 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }
}

impl Filesystem for FuseFileSystem {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let Some(reply) = self.admit(FuseCall::Lookup, reply) else { return };
        let inode = (FIRST_INODE..).zip(&self.files).find(|(_, file)| name == file.name);
        match inode.and_then(|(inode, _)| self.attributes(inode)) {
            Some(attributes) => reply.entry(&self.ttl, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let Some(reply) = self.admit(FuseCall::Getattr, reply) else { return };
        match self.attributes(inode.into()) {
            Some(attributes) => reply.attr(&self.ttl, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let Some(reply) = self.admit(FuseCall::Open, reply) else { return };
        // Not by the page cache, which reads no further than the claimed length.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let Some(reply) = self.admit(FuseCall::Read, reply) else { return };
        let Some(file) = self.file(inode.into()) else { return reply.error(Errno::ENOENT) };
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = file.content.get(from..).unwrap_or_default();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        reply.data(rest.get(..size).unwrap_or(rest));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        let Some(reply) = self.admit(FuseCall::Flush, reply) else { return };
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let Some(reply) = self.admit(FuseCall::Statfs, reply) else { return };
        reply.statfs(0, 0, 0, 0, 0, 512, 255, 0);
    }
}
