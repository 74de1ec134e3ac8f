//! What is at the end of a path, and the streams among these: what is written to and never
//! replaced.

use std::fs::{File, canonicalize, read_link};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, OFlags, PROC_SUPER_MAGIC, fcntl_getfl, fstat, statfs};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::entry::{Entry, folder};
use super::error::StagingError;

/// The most links that lead one to another: the kernel's own bound (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// The kind of file that a path leads to, through all links.
///
/// ```
/// use fetchlet::TargetKind;
///
/// assert_eq!(TargetKind::of("/dev/null"), TargetKind::CharDevice);
/// assert_eq!(TargetKind::of("/dev/fd/1"), TargetKind::Descriptor(1));
/// assert_eq!(TargetKind::of("nothing/of/this/name"), TargetKind::File);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// A regular file, or nothing yet: a [`Staging`](crate::Staging) can get there.
    File,
    /// A folder.
    Folder,
    /// A descriptor of this process (`/dev/stdout`, `/dev/fd/3`), whatever is open there.
    Descriptor(i32),
    /// A named pipe, or an open one.
    Pipe,
    /// A Unix socket.
    Socket,
    /// A device that takes bytes as they come: `/dev/null`, a terminal.
    CharDevice,
    /// A device that holds data: a disk.
    BlockDevice,
    /// An open file of another process, or another link of procfs, which leads where its text
    /// does not say.
    Unknown,
}

impl TargetKind {
    /// Looks at what `path` leads to. A path that can't be looked at is taken for a
    /// [`File`](Self::File): creating that fails, and tells why.
    pub fn of(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        match Entry::at(path, false).map(|entry| entry.file_type()) {
            Ok(FileType::Symlink) => Self::of_link(path),
            Ok(file_type) => Self::of_type(file_type),
            Err(_) => Self::File,
        }
    }

    fn of_link(path: &Path) -> Self {
        let in_procfs = procfs_link(path);
        if let Some(number) = in_procfs.as_deref().and_then(own_descriptor) {
            return Self::Descriptor(number);
        }
        match Entry::at(path, true).map(|entry| Self::of_type(entry.file_type())) {
            Ok(Self::File) if in_procfs.is_some() => Self::Unknown,
            Ok(kind) => kind,
            Err(_) => Self::File,
        }
    }

    pub(super) const fn of_type(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Fifo => Self::Pipe,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice => Self::CharDevice,
            FileType::BlockDevice => Self::BlockDevice,
            _ => Self::Unknown,
        }
    }
}

/// Opens for writing what `target` leads to, if that is a descriptor, a pipe, a socket or a device:
/// what is written there is there at once, and nothing is staged. Returns `None` for anything else.
///
/// A descriptor is duplicated, so that it keeps its place in a file. A pipe without a reader is
/// waited for, as a shell's `>` does.
///
/// ```
/// use std::io::Write;
///
/// let null = fetchlet::open_stream("/dev/null")?;
/// null.expect("a device").write_all(b"hello")?;
/// assert!(fetchlet::open_stream("fw.bin")?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`StagingError::Io`] if the system refuses, or the descriptor is not open for writing.
pub fn open_stream(target: impl AsRef<Path>) -> Result<Option<File>, StagingError> {
    let target = target.as_ref();
    let opened = match TargetKind::of(target) {
        TargetKind::File | TargetKind::Folder | TargetKind::Unknown => return Ok(None),
        TargetKind::Descriptor(number) => duplicate(number, target),
        TargetKind::Socket => UnixStream::connect(target).map(|it| OwnedFd::from(it).into()),
        TargetKind::Pipe | TargetKind::CharDevice | TargetKind::BlockDevice => open(target),
    };
    opened.map(Some).map_err(StagingError::io("write to", target))
}

/// Opens a pipe or a device, and nothing that has come to its place meanwhile.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOCTTY.bits().cast_signed();
    let file = File::options().write(true).custom_flags(flags).open(path)?;
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => Err(Errno::EXIST.into()),
        _ => Ok(file),
    }
}

/// Duplicates a descriptor of this process by its number. Where a sandbox forbids that, opens what
/// is there by its path, which can do the same for all but sockets and files.
fn duplicate(number: i32, path: &Path) -> io::Result<File> {
    let this = pidfd_open(getpid(), PidfdFlags::empty());
    match this.and_then(|this| pidfd_getfd(this, number, PidfdGetfdFlags::empty())) {
        Ok(descriptor) => match fcntl_getfl(&descriptor)? & OFlags::RWMODE {
            OFlags::RDONLY => Err(Errno::BADF.into()),
            _ => Ok(descriptor.into()),
        },
        Err(error @ (Errno::NOSYS | Errno::PERM | Errno::ACCESS)) => {
            open(path).map_err(|_| error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the first of the links that `path` leads through which is one of procfs. Such a link
/// leads to what is open, whatever its text says.
fn procfs_link(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let text = read_link(&path).ok()?;
        if statfs(folder(&path)).is_ok_and(|it| it.f_type == PROC_SUPER_MAGIC) {
            return Some(path);
        }
        path = folder(&path).join(text);
    }
    None
}

/// Returns the number of this process's descriptor that a link of procfs leads to: `fd/N` below
/// the folder that `self` leads to.
fn own_descriptor(link: &Path) -> Option<i32> {
    let folder = canonicalize(folder(link)).ok()?;
    let is_own = |ancestor: &Path| {
        ancestor
            .parent()
            .is_some_and(|it| canonicalize(it.join("self")).is_ok_and(|it| it == ancestor))
    };
    let own = folder.ends_with("fd") && folder.ancestors().any(is_own);
    link.file_name()?.to_str()?.parse().ok().filter(|_| own)
}
