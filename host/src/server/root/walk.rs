//! The lookup where the kernel has no `openat2`: one component at a time, no links at all.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::READ;

const FOLDER: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens `name`, whose components are neither empty nor `.` nor `..`, below `folder`.
///
/// Each step starts at a descriptor that is known to be inside, so that nothing renamed or linked
/// meanwhile leads out.
pub(super) fn open(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let Some((folders, last)) = name.rsplit_once('/') else {
        return step(folder, name, READ | OFlags::NOFOLLOW);
    };
    let mut components = folders.split('/');
    let first = components.next().unwrap_or_default();
    let inner = components
        .try_fold(step(folder, first, FOLDER)?, |at, component| step(at, component, FOLDER))?;
    step(inner, last, READ | OFlags::NOFOLLOW)
}

fn step(at: impl AsFd, component: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::io::retry_on_intr(|| openat(at.as_fd(), component, flags, Mode::empty()))
}
