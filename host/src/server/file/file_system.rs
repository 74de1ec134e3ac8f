//! Which file systems answer by themselves, and tell the length of a file.

use std::os::fd::AsFd;

use rustix::fs::fstatfs;

/// The file systems that wait for a disk of this machine, for memory, or for nothing, and that know
/// how long each file is. By `f_type`: statfs(2), and `linux/magic.h` but for XFS, ZFS and
/// bcachefs, whose sources define it.
///
/// All others may wait for ever: for another machine (NFS, CIFS, 9p, Ceph), or for a program
/// (FUSE, autofs). Or they make the content when it is read (proc, sysfs), and tell another length.
const LOCAL: [u32; 19] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683E, // btrfs
    0xF2F5_2010, // F2FS
    0x2FC1_2FC1, // ZFS
    0xCA45_1A4E, // bcachefs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0x794C_7630, // overlayfs
    0x7371_7368, // squashfs
    0xE0F5_E1E2, // EROFS
    0x9660,      // ISO 9660
    0x1501_3346, // UDF
    0x4D44,      // FAT
    0x2011_BAB0, // exFAT
    0x2405_1905, // UBIFS
    0x72B6,      // JFFS2
    0x3153_464A, // JFS
    0x3434,      // NILFS2
];

/// Whether an open file is on a file system of [`LOCAL`]. May wait for that file system.
pub(super) fn is_local(file: impl AsFd) -> bool {
    // The word is signed, and wider than the number in it, on some machines.
    fstatfs(file).is_ok_and(|stat| LOCAL.contains(&(stat.f_type as u32)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn memory_is_local_and_what_is_made_when_it_is_read_is_not() {
        assert!(is_local(tempfile::tempfile_in("/dev/shm").unwrap()));
        assert!(is_local(File::open(env!("CARGO_MANIFEST_DIR")).unwrap()));
        for made in ["/proc/version", "/sys/kernel"] {
            assert!(!is_local(File::open(made).unwrap()), "{made}");
        }
    }
}
