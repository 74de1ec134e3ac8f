//! From a filename to an open file inside the served folder. Nothing else touches paths.

#[cfg(test)]
mod tests;
mod walk;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, FileType, Mode, OFlags, ResolveFlags, accessat, fstat, open, openat2,
};
use rustix::io::Errno;

/// How often a lookup is tried again that the kernel could not finish because of a rename meanwhile.
const TRIES: u8 = 8;

/// Not blocking, since opening a pipe else waits for a writer.
pub(super) const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// What becomes of symbolic links below the served folder (R8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Symlinks {
    /// A name with a link in any component is not found.
    #[default]
    Deny,
    /// Links are followed as long as they are relative and never leave the folder. What they lead to
    /// may be hidden.
    Inside,
}

/// Which names of a folder lead to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootOptions {
    /// Whether symbolic links are followed. The folder itself may be reached through one.
    pub symlinks: Symlinks,
    /// Whether components that begin with `.` are served. `.` and `..` never are.
    pub hidden: bool,
}

/// A served folder. It stays the same one if it is renamed or mounted over.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    options: RootOptions,
    lookup: Lookup,
}

/// How names are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    /// By the kernel, which guards every step of it, and can do without the disk (Linux 5.12).
    Cached,
    /// The same, but it can't tell whether that will have to read from the disk.
    Openat2,
    /// Component by component, without links: Linux before 5.6, and sandboxes that forbid `openat2`.
    Walk,
}

/// Why a folder can't be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// There is nothing of that name.
    #[error("the folder to serve, {}, does not exist", path.display())]
    Missing {
        /// As given to [`Root::open`].
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// As given to [`Root::open`].
        path: PathBuf,
    },
    /// It can't be opened, or nothing in it could be.
    #[error("the folder to serve, {}, can't be opened: {source}", path.display())]
    Io {
        /// As given to [`Root::open`].
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A regular file, open for reading, and its length when it was opened (R10).
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: OwnedFd,
    pub(super) len: u32,
}

impl Opened {
    /// Whether the file has become shorter than it was.
    pub(super) fn was_cut(&self) -> bool {
        fstat(&self.file).is_ok_and(|stat| stat.st_size < self.len.into())
    }
}

/// Why there is no file (R8).
#[derive(Debug)]
pub(super) enum Refusal {
    /// The name leads to none that may be served; why is for the log alone.
    NotFound(&'static str),
    /// The server could not tell.
    Fault(io::Error),
}

impl Root {
    /// Opens a folder to be served.
    ///
    /// # Errors
    ///
    /// [`RootError`] if `path` does not lead to a folder that can be opened.
    pub fn open(path: &Path, options: RootOptions) -> Result<Self, RootError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let searchable = |folder: OwnedFd| {
            accessat(&folder, ".", Access::EXEC_OK, AtFlags::EACCESS).map(|()| folder)
        };
        let folder = open(path, flags, Mode::empty()).and_then(searchable).map_err(|errno| {
            let path = path.into();
            match errno {
                Errno::NOENT => RootError::Missing { path },
                Errno::NOTDIR => RootError::NotAFolder { path },
                _ => RootError::Io { path, source: errno.into() },
            }
        })?;
        let probe = |guards| openat2(&folder, ".", flags, Mode::empty(), guards);
        let lacks =
            |errno| matches!(errno, Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::TOOBIG);
        let lookup = match probe(ResolveFlags::BENEATH) {
            Err(errno) if lacks(errno) => Lookup::Walk,
            _ => match probe(ResolveFlags::BENEATH | ResolveFlags::CACHED) {
                Err(errno) if lacks(errno) => Lookup::Openat2,
                _ => Lookup::Cached,
            },
        };
        Ok(Self::with(folder, options, lookup))
    }

    fn with(folder: OwnedFd, options: RootOptions, lookup: Lookup) -> Self {
        if lookup == Lookup::Walk && options.symlinks == Symlinks::Inside {
            tracing::warn!("this system lacks openat2: symbolic links are not followed");
        }
        Self { folder, options, lookup }
    }

    /// [`file`](Self::file), if that takes no disk; `None`: it may.
    pub(super) fn cached(&self, name: &str) -> Option<Result<Opened, Refusal>> {
        if let Err(reason) = check(name, self.options.hidden) {
            return Some(Err(Refusal::NotFound(reason)));
        }
        if self.lookup != Lookup::Cached {
            return None;
        }
        match openat2(&self.folder, name, READ, Mode::empty(), self.guards() | ResolveFlags::CACHED)
        {
            Err(Errno::AGAIN | Errno::INTR) => None,
            file => Some(regular(file)),
        }
    }

    /// Opens the file of that name, which may take as long as the disk does.
    ///
    /// It is opened before it is known to be regular. That costs half of looking first, and is without
    /// effect on folders, pipes and sockets but that a pipe's writer sees a reader come and go; for
    /// devices, which only root can make, mount with `nodev`.
    pub(super) fn file(&self, name: &str) -> Result<Opened, Refusal> {
        check(name, self.options.hidden).map_err(Refusal::NotFound)?;
        regular(match self.lookup {
            Lookup::Cached | Lookup::Openat2 => self.resolve(name),
            Lookup::Walk => walk::open(&self.folder, name),
        })
    }

    fn resolve(&self, name: &str) -> Result<OwnedFd, Errno> {
        let mut tries = TRIES;
        loop {
            match openat2(&self.folder, name, READ, Mode::empty(), self.guards()) {
                Err(Errno::AGAIN | Errno::INTR) if tries > 0 => tries = tries.saturating_sub(1),
                result => return result,
            }
        }
    }

    fn guards(&self) -> ResolveFlags {
        let links = match self.options.symlinks {
            Symlinks::Deny => ResolveFlags::NO_SYMLINKS,
            Symlinks::Inside => ResolveFlags::empty(),
        };
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | links
    }
}

fn regular(file: Result<OwnedFd, Errno>) -> Result<Opened, Refusal> {
    let file = file.map_err(refusal)?;
    let stat = fstat(&file).map_err(refusal)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refusal::NotFound("not a regular file (R8)"));
    }
    let len = u32::try_from(stat.st_size)
        .map_err(|_| Refusal::NotFound("longer than 4294967295 bytes (R9)"))?;
    Ok(Opened { file, len })
}

/// R8, as far as the name alone tells. Names are never normalised: what is not plain is not found.
fn check(name: &str, hidden: bool) -> Result<(), &'static str> {
    if name.contains(char::is_control) {
        return Err("a control character in the name");
    }
    if name.contains('\\') {
        return Err("a backslash in the name");
    }
    if name.starts_with('/') {
        return Err("an absolute name");
    }
    for component in name.split('/') {
        match component {
            "" => return Err("an empty component in the name"),
            "." | ".." => return Err("a `.` or `..` component in the name"),
            _ if component.starts_with('.') && !hidden => return Err("hidden"),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the name is at fault or the server is.
fn refusal(errno: Errno) -> Refusal {
    Refusal::NotFound(match errno {
        Errno::NOENT => "no such file",
        Errno::NOTDIR => "a file or link where the name has a folder",
        Errno::LOOP => "a symbolic link in the name",
        Errno::XDEV => "a symbolic link that leaves the folder",
        Errno::ACCESS | Errno::PERM => "no permission",
        Errno::NAMETOOLONG => "a component is too long for the file system",
        Errno::INVAL | Errno::ILSEQ => "a name the file system does not allow",
        Errno::NXIO | Errno::NODEV | Errno::ISDIR => "not a regular file (R8)",
        _ => return Refusal::Fault(errno.into()),
    })
}
