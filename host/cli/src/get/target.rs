//! Where `fetchlet get` puts the file: under a name, or to stdout.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::fs::{OFlags, fcntl_getfl, fstat, major, minor};

use super::args::Args;

/// The device of `/dev/null`: major and minor number, the same on every Linux (the kernel's
/// devices.txt).
const DEV_NULL: (u32, u32) = (1, 3);

/// Where the file goes.
pub(super) enum Target {
    Stdout(File),
    File(PathBuf),
}

impl Target {
    /// The target that the arguments name; else what is wrong with the arguments.
    pub(super) fn new(args: &Args) -> Result<Self, String> {
        match &args.output {
            Some(path) if path.as_os_str() == "-" && args.print_checksum => {
                Err("--print-checksum and --output - both write to stdout; give one of them".into())
            }
            Some(path) if path.as_os_str() == "-" => {
                let stdout = io::stdout().as_fd().try_clone_to_owned();
                stdout.map(|fd| Self::Stdout(fd.into())).map_err(|e| format!("no stdout: {e}"))
            }
            Some(path) => Ok(Self::File(path.clone())),
            None => Self::from_name(args.file.as_str()),
        }
    }

    /// The last component of the file's name on the server, in the current folder.
    fn from_name(name: &str) -> Result<Self, String> {
        match name.rsplit('/').next() {
            None | Some("" | "." | "..") => {
                Err(format!("{name} ends in no file name; give one with --output"))
            }
            Some(last) if last.contains('\0') => {
                Err(format!("{name} can't be a file's name here; give one with --output"))
            }
            Some(last) => Ok(Self::File(last.into())),
        }
    }
}

/// Whether the program was started without stdout. Rust's runtime then opens `/dev/null` in its
/// place, for reading and writing; a shell's `> /dev/null` is open for writing only.
pub(super) fn was_closed(stdout: impl AsFd) -> bool {
    let null = fstat(&stdout).is_ok_and(|it| (major(it.st_rdev), minor(it.st_rdev)) == DEV_NULL);
    null && fcntl_getfl(stdout).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}
