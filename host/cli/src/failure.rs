//! What a failed download means to the user: the exit code, and what to do.

use std::io::{self, ErrorKind};

use fetchlet::codec::{DecodeError, DownloadError};
use fetchlet::{ClientError, StagingError};

use crate::exit_code::ExitCode;
use crate::value::is_url_or_has_port;

/// Returns the exit code for an error.
pub(crate) fn exit_code(error: &ClientError) -> ExitCode {
    match error {
        error if error.is_timeout() => ExitCode::TimedOut,
        ClientError::Resolve { .. } => ExitCode::CannotResolve,
        ClientError::Connect { .. } => ExitCode::CannotConnect,
        ClientError::Protocol(DownloadError::Decode(_)) | ClientError::Malformed => {
            ExitCode::NotTheProtocol
        }
        ClientError::Protocol(_) | ClientError::Connection { .. } => ExitCode::EndedEarly,
        ClientError::InvalidAddress(_) | ClientError::InvalidName(_) => ExitCode::Usage,
        ClientError::NotFound => ExitCode::NotFound,
        ClientError::TooLarge { .. } => ExitCode::TooLarge,
        ClientError::ChecksumDiffers { .. } => ExitCode::ChecksumDiffers,
        ClientError::Write(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::BrokenPipe,
        ClientError::Staging(StagingError::TargetExists(_) | StagingError::NotAFile(_)) => {
            ExitCode::TargetExists
        }
        ClientError::Staging(StagingError::NoFileName(_)) => ExitCode::Usage,
        ClientError::Write(_) | ClientError::Staging(_) => ExitCode::WriteFailed,
        _ => ExitCode::Internal,
    }
}

/// What the user can do about a host that is none.
pub(crate) const TWO_ARGUMENTS: &str = "give host and port as two arguments, without http://";

/// Returns what the user can do about an error.
pub(crate) fn advice(error: &ClientError) -> &'static str {
    match error {
        ClientError::Resolve { host, .. } if is_url_or_has_port(host) => TWO_ARGUMENTS,
        ClientError::Resolve { .. } if error.is_timeout() => {
            "check the name service, or give a longer --connect-timeout"
        }
        ClientError::Resolve { .. } if error.is_transient() => {
            "is there a network? If it only takes time to come up, let --retry try again"
        }
        ClientError::Resolve { .. } => "check the host's name",
        ClientError::Connect { .. } if error.is_timeout() => {
            "check the address, or give a longer --connect-timeout"
        }
        ClientError::Connect { .. } => {
            "is the server running, does it listen on this address, and is this its port?"
        }
        ClientError::TimedOut { .. } => "if the peer is only slow, give a longer --timeout",
        ClientError::Connection { .. } => "try again, or let --retry do so",
        ClientError::Protocol(error) => protocol_advice(error),
        ClientError::NotFound => "names are relative to the served folder; check the spelling",
        ClientError::Malformed => {
            "the server may take only shorter or simpler names: ask for another"
        }
        ClientError::TooLarge { .. } => "raise --max-size if you want the file all the same",
        ClientError::ChecksumDiffers { .. } => {
            "the file is another one or damaged: do not use it, and compare it with the server's"
        }
        ClientError::Staging(StagingError::TargetExists(_)) => {
            "choose another name with --output, or replace it with --force"
        }
        ClientError::Staging(StagingError::NotAFile(_)) => {
            "choose another name with --output; `--output -` writes to stdout"
        }
        ClientError::Staging(StagingError::NotReplaceable { .. }) => {
            "choose another name, or write into the file: `--output - > FILE`"
        }
        ClientError::Staging(StagingError::NoFileName(_)) => "give a file's path to --output",
        ClientError::Staging(StagingError::NoFolder(_)) => "create the folder first",
        ClientError::Staging(StagingError::NotSynced { .. }) => "check the disk",
        ClientError::Staging(StagingError::Io { source, .. }) => write_advice(source),
        _ => "see `fetchlet get --help`",
    }
}

fn protocol_advice(error: &DownloadError) -> &'static str {
    match error {
        DownloadError::ClosedInHeader { .. } => {
            "the server may be stopping or at its limits: try again, or let --retry do so"
        }
        DownloadError::ClosedInData { .. } => "try again, or let --retry do so",
        DownloadError::Decode(DecodeError::BadMagic { at: 0, found }) => match found {
            b'H' | b'<' => "this looks like an HTTP server: check the port",
            b'S' => "this looks like an SSH server: check the port",
            0x15 | 0x16 => "this looks like a TLS server: check the port",
            b'2' | b'5' => "this looks like an FTP or mail server: check the port",
            _ => "the peer speaks another protocol: check the port",
        },
        DownloadError::Decode(DecodeError::BadStatus { .. }) => {
            "the server may be newer than this program: update fetchlet"
        }
        _ => "the peer speaks another protocol: check the port",
    }
}

fn write_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull => "free some space, or choose another disk with --output",
        ErrorKind::QuotaExceeded => "your quota is used up: choose another disk with --output",
        ErrorKind::FileTooLarge => "a limit on file sizes is in force: see `ulimit -f`",
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is mounted read-only: choose another folder with --output"
        }
        ErrorKind::PermissionDenied => "choose a folder you may write to with --output",
        _ => "choose another folder with --output",
    }
}
