//! The access rights of a file, which the file that replaces it gets.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{
    Gid, Mode, Uid, XattrFlags, fchmod, fchown, fremovexattr, fsetxattr, fstat, lgetxattr,
};
use rustix::io::Errno;

use super::entry::Entry;

/// The extended attribute that holds a file's access control list (acl(5)).
const ACL: &str = "system.posix_acl_access";

/// The longest access control list that is kept, in bytes: 4 and 8 for each entry (the kernel's
/// `posix_acl_xattr.h`), so some 500 entries. ext4 holds no more.
const MAX_ACL: usize = 4096;

/// Gives `file` the owner, the group, the access control list and the permission bits of
/// `replaced`, which is at `path`.
///
/// What the system does not allow is left out: a user who may not give files away becomes the
/// owner. Never kept are set-user-ID and set-group-ID, which were given to another content, and
/// the other extended attributes, which tell of another content. Nobody is ever given more than
/// `replaced` gave him: where its list can't be kept, the group gets nothing.
pub(super) fn keep(file: &File, replaced: &Entry, path: &Path) -> io::Result<()> {
    let new = fstat(file)?;
    let (uid, gid) = (Uid::from_raw(replaced.uid), Gid::from_raw(replaced.gid));
    if (new.st_uid, new.st_gid) != (replaced.uid, replaced.gid) {
        // The owner is root's to give; the group, also its members'.
        fchown(file, Some(uid), Some(gid)).or_else(|_| fchown(file, None, Some(gid))).ok();
    }
    let mut permissions = replaced.permissions();
    let mut list = [0; MAX_ACL];
    match lgetxattr(path, ACL, &mut list[..]) {
        Ok(len) if fsetxattr(file, ACL, &list[..len], XattrFlags::empty()).is_ok() => {}
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => {
            // Nor is there to be one that the folder gives to new files.
            fremovexattr(file, ACL).ok();
        }
        // With a list, the bits of the group are a mask for all whom the list names.
        _ => permissions -= Mode::RWXG,
    }
    let now = Mode::from_raw_mode(fstat(file)?.st_mode);
    if now & (Mode::RWXU | Mode::RWXG | Mode::RWXO) != permissions {
        // Refused, it has fewer bits than it may: it was created with no others.
        fchmod(file, permissions).ok();
    }
    Ok(())
}
