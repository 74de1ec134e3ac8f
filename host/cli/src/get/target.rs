//! Where `fetchlet get` puts the file: under a name, to stdout, or to another stream.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use fetchlet::{ClientError, IfExists, StagingError, TargetKind, open_stream};

use super::args::Args;
use crate::inherited::stdout_was_closed;

/// The number of stdout, where `--output /dev/stdout` leads.
const STDOUT: i32 = 1;

/// Where the file goes.
pub(super) enum Target {
    File(PathBuf),
    /// What is written to at once, and never replaced: stdout, a device, a pipe, a socket.
    Stream(File, StreamName),
}

/// The name of a stream in messages.
pub(super) enum StreamName {
    Stdout,
    Path(PathBuf),
}

/// Why there is no target.
pub(super) enum TargetError {
    /// The arguments are wrong.
    Usage(String),
    /// There is no stdout to write to.
    StdoutClosed,
    /// The stream can't be opened.
    Open(ClientError),
}

impl Target {
    /// Returns the target that the arguments name; opens a stream.
    pub(super) fn new(args: &Args) -> Result<Self, TargetError> {
        let target = match &args.output {
            Some(path) if path.as_os_str() == "-" => Self::stdout(args)?,
            Some(path) => Self::from_path(path, args)?,
            None => {
                let path = last_component(args.file.as_str()).map_err(TargetError::Usage)?;
                Self::from_path(path, args)?
            }
        };
        if args.print_checksum && stdout_was_closed() {
            return Err(TargetError::StdoutClosed);
        }
        Ok(target)
    }

    fn from_path(path: &Path, args: &Args) -> Result<Self, TargetError> {
        match TargetKind::of(path) {
            TargetKind::Descriptor(STDOUT) => return Self::stdout(args),
            // A block device holds data, as a file does.
            TargetKind::BlockDevice if args.if_exists() == IfExists::Fail => {
                return Err(StagingError::TargetExists(path.into()).into());
            }
            _ => {}
        }
        Ok(match open_stream(path)? {
            Some(stream) => Self::Stream(stream, StreamName::Path(path.into())),
            None => Self::File(path.into()),
        })
    }

    fn stdout(args: &Args) -> Result<Self, TargetError> {
        if args.print_checksum {
            let clash = "--print-checksum and --output both write to stdout; give one of them";
            return Err(TargetError::Usage(clash.into()));
        }
        if stdout_was_closed() {
            return Err(TargetError::StdoutClosed);
        }
        let stdout = io::stdout().as_fd().try_clone_to_owned();
        let stdout = stdout.map_err(|error| TargetError::Open(ClientError::Write(error)))?;
        Ok(Self::Stream(stdout.into(), StreamName::Stdout))
    }
}

/// Returns the last component of the file's name on the server: a file in the current folder.
fn last_component(name: &str) -> Result<&Path, String> {
    match name.rsplit('/').next() {
        None | Some("" | "." | "..") => {
            Err(format!("{name} ends in no file name; give one with --output"))
        }
        Some(last) if last.contains('\0') => {
            Err(format!("{name} can't be a file's name here; give one with --output"))
        }
        Some(last) => Ok(Path::new(last)),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(_, StreamName::Stdout) => f.write_str("stdout"),
            Self::File(path) | Self::Stream(_, StreamName::Path(path)) => path.display().fmt(f),
        }
    }
}

impl From<StagingError> for TargetError {
    fn from(error: StagingError) -> Self {
        Self::Open(error.into())
    }
}
