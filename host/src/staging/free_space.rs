//! Whether a file system has room for a file, asked before the file's first byte is written.

use std::fs::File;

use rustix::fs::{FallocateFlags, fallocate, fstatfs};
use rustix::io::Errno;

/// The numbers of the file systems whose free space is all there is, for whoever writes: they do
/// not compress, have no share for root, and no quotas (`linux/magic.h`: tmpfs, FAT).
const EXACT: [u64; 2] = [0x0102_1994, 0x4d44];

/// The numbers of those which do not compress either, but whose statistic may tell of a quota that
/// does not bind this user (`linux/magic.h`: ext2 to ext4, XFS).
const RESERVING: [u64; 2] = [0xef53, 0x5846_5342];

/// Returns the system's error if `len` bytes can't be written to `file`, which is empty.
///
/// Only what can't succeed is refused: the space that is kept for root is root's to use, and on a
/// file system that compresses, or shares space with others, `len` bytes may need less.
pub(super) fn check(file: &File, len: u64) -> Result<(), Errno> {
    let Ok(found) = fstatfs(file) else { return Ok(()) };
    let number = |it| u64::try_from(it).unwrap_or(0);
    let unit = number(if found.f_frsize > 0 { found.f_frsize } else { found.f_bsize });
    let kind = number(found.f_type);
    // One that tells of no blocks at all has no bound.
    if found.f_blocks == 0 || found.f_bfree.saturating_mul(unit) >= len {
        Ok(())
    } else if EXACT.contains(&kind) {
        Err(Errno::NOSPC)
    } else if RESERVING.contains(&kind) {
        reserve(file, len)
    } else {
        Ok(())
    }
}

/// Has the file system keep the space: its answer counts for this user.
fn reserve(file: &File, len: u64) -> Result<(), Errno> {
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, len) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT)) => Err(error),
        _ => Ok(()),
    }
}
