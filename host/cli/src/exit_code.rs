//! The exit codes of the program. They are frozen: scripts depend on them.

use std::process;

/// How the program ended, as the shell sees it. Where curl has a code for the same end, the code is
/// curl's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// The command succeeded.
    Done = 0,
    /// A fault of the program or of the machine that has no code of its own.
    Internal = 1,
    /// The command line is wrong: an unknown option, a port outside R16, a name that R2 forbids.
    Usage = 2,
    /// The host's name has no address.
    CannotResolve = 6,
    /// No address of the host accepted the connection.
    CannotConnect = 7,
    /// The answer is not this protocol (R11), or the server found the request malformed (R5).
    NotTheProtocol = 8,
    /// The connection ended before the response was whole (R12).
    EndedEarly = 18,
    /// The file could not be written here.
    WriteFailed = 23,
    /// The peer moved nothing for as long as the timeout allows (R15), or there was no connection
    /// or no answer of the name service for as long.
    TimedOut = 28,
    /// The file's checksum is not the one given with `--checksum`.
    ChecksumDiffers = 32,
    /// The file is larger than `--max-size`.
    TooLarge = 63,
    /// The folder to be served is missing or not a folder.
    NoInput = 66,
    /// An address to listen on is in use or not of this machine, or an inherited socket is none to
    /// listen on.
    Unavailable = 69,
    /// The target exists and `--force` was not given.
    TargetExists = 73,
    /// The system does not permit to listen there.
    NoPermission = 77,
    /// The server has no such file (R8).
    NotFound = 78,
    /// Ended by SIGHUP: 128 + 1.
    HungUp = 129,
    /// Ended by SIGINT: 128 + 2.
    Interrupted = 130,
    /// The reader of stdout went away: 128 + 13.
    BrokenPipe = 141,
    /// Ended by SIGTERM: 128 + 15.
    Terminated = 143,
}

/// The exit code of a program that a signal ended is the signal's number above this, as in a shell.
pub(crate) const SIGNAL_BASE: i32 = 128;

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
