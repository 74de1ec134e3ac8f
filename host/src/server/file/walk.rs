//! The lookup where the kernel has no `openat2`: one component at a time, and no links at all.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, retry_on_intr};

use super::open_file::OPEN_FLAGS;

/// How the folders on the way are opened.
const FOLDER_FLAGS: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens `name`, whose components are neither empty nor `.` nor `..`, below `folder`.
///
/// Each step starts at a descriptor that is known to be inside `folder`, so that no rename or link
/// that is made meanwhile leads out.
pub(super) fn open(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let Some((folders, last)) = name.rsplit_once('/') else {
        return step(folder, name, OPEN_FLAGS | OFlags::NOFOLLOW);
    };
    let mut components = folders.split('/');
    let first = components.next().unwrap_or_default();
    let inner = components.try_fold(step(folder, first, FOLDER_FLAGS)?, |at, component| {
        step(at, component, FOLDER_FLAGS)
    })?;
    step(inner, last, OPEN_FLAGS | OFlags::NOFOLLOW)
}

fn step(at: impl AsFd, component: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    retry_on_intr(|| openat(at.as_fd(), component, flags, Mode::empty()))
}
