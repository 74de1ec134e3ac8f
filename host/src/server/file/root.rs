//! The served folder, and the lookup of names below it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{
    Access, AtFlags, Mode, OFlags, ResolveFlags, accessat, fstat, open, openat2, stat,
};
use rustix::io::Errno;

use super::error::{LookupError, RootError};
use super::file_system::is_local;
use super::name::validate_name;
use super::open_file::{OPEN_FLAGS, OpenFile};
use super::options::{RootOptions, Symlinks};
use super::walk;

/// How often a lookup is repeated that the kernel gave up because of a rename meanwhile: openat2(2)
/// leaves that to its caller. Bounded, since somebody may rename without end.
const MAX_RETRIES: u8 = 8;

/// A folder to serve. It stays the same one if it is renamed or mounted over.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    options: RootOptions,
    lookup: Lookup,
    /// Whether the folder is on a file system that waits for nobody but the disk.
    is_local: bool,
}

/// How names are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    /// By the kernel, which guards every step, and can tell whether it needs the disk (Linux 5.12).
    Cached,
    /// By the kernel, which can't tell whether it needs the disk (Linux 5.6).
    Openat2,
    /// Component by component, without links: before Linux 5.6, and in sandboxes that forbid
    /// `openat2`.
    Walk,
}

impl Root {
    /// Opens the folder to serve.
    ///
    /// # Errors
    ///
    /// [`RootError`] if `path` does not lead to a folder that can be opened.
    pub fn open(path: impl AsRef<Path>, options: RootOptions) -> Result<Self, RootError> {
        let path = path.as_ref();
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
        Ok(Self::with_lookup(folder, options, lookup))
    }

    /// Returns whether `path` leads to this folder, which is no longer so once the folder was
    /// renamed, removed or replaced. Waits as long as the file system of `path` takes.
    ///
    /// # Errors
    ///
    /// If the system can't tell where `path` leads. A path that leads nowhere is no error.
    pub fn is_at(&self, path: &Path) -> io::Result<bool> {
        let own = fstat(&self.folder)?;
        match stat(path) {
            Ok(there) => {
                let same = (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino);
                // A folder that is removed keeps its number, and `.` leads to it.
                Ok(same && own.st_nlink > 0)
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    fn with_lookup(folder: OwnedFd, options: RootOptions, lookup: Lookup) -> Self {
        if lookup == Lookup::Walk && options.symlinks == Symlinks::Inside {
            tracing::warn!("this system lacks openat2: symbolic links are not followed");
        }
        let is_local = is_local(&folder);
        Self { folder, options, lookup, is_local }
    }

    /// Whether the folder is on a file system that waits for nobody but the disk.
    pub(super) const fn is_local(&self) -> bool {
        self.is_local
    }

    /// Opens the file of that name if that needs neither the disk nor another file system. `None`:
    /// it may need these.
    pub(super) fn open_cached(&self, name: &str) -> Option<Result<OpenFile, LookupError>> {
        if self.lookup != Lookup::Cached {
            return None;
        }
        self.open_here(name, ResolveFlags::CACHED)
    }

    /// Opens the file of that name if it is on the file system of the root, which may take as long
    /// as the disk does. `None`: it may be on another one.
    pub(super) fn open_local(&self, name: &str) -> Option<Result<OpenFile, LookupError>> {
        self.open_here(name, ResolveFlags::empty())
    }

    /// Opens the file of that name, which may take for ever.
    ///
    /// The server opens a file before it knows that the file is regular: to look first would cost
    /// twice as much. Nothing happens to folders, pipes and sockets by that, except that the writer
    /// of a pipe sees a reader come and go. Only root can make devices; mount with `nodev` against
    /// those.
    pub(super) fn open_anywhere(&self, name: &str) -> Result<OwnedFd, LookupError> {
        validate_name(name, self.options.hidden).map_err(LookupError::NotFound)?;
        Ok(match self.lookup {
            Lookup::Cached | Lookup::Openat2 => self.resolve(name, self.guards()),
            Lookup::Walk => walk::open(&self.folder, name),
        }?)
    }

    fn open_here(&self, name: &str, more: ResolveFlags) -> Option<Result<OpenFile, LookupError>> {
        if !self.is_local || self.lookup == Lookup::Walk {
            return None;
        }
        if let Err(reason) = validate_name(name, self.options.hidden) {
            return Some(Err(LookupError::NotFound(reason)));
        }
        match self.resolve(name, self.guards() | ResolveFlags::NO_XDEV | more) {
            // Another mount, or a link that leaves the folder.
            Err(Errno::XDEV) => None,
            Err(Errno::AGAIN | Errno::INTR) if more.contains(ResolveFlags::CACHED) => None,
            opened => Some(OpenFile::new(opened)),
        }
    }

    fn resolve(&self, name: &str, guards: ResolveFlags) -> Result<OwnedFd, Errno> {
        let mut retries = if guards.contains(ResolveFlags::CACHED) { 0 } else { MAX_RETRIES };
        loop {
            match openat2(&self.folder, name, OPEN_FLAGS, Mode::empty(), guards) {
                Err(Errno::AGAIN | Errno::INTR) if retries > 0 => {
                    retries = retries.saturating_sub(1);
                }
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

#[cfg(test)]
mod tests;
