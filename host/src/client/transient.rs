//! Which of the system's errors may pass by themselves.

use std::io::{self, ErrorKind};

use rustix::io::Errno;

/// The errors that may be gone when the same is tried later, as the system numbers them.
const PASSING: &[Errno] = &[
    // The peer, or its program, is not up yet, or starts anew.
    Errno::CONNREFUSED,
    Errno::CONNRESET,
    Errno::CONNABORTED,
    Errno::PIPE,
    Errno::TIMEDOUT,
    Errno::HOSTDOWN,
    // The network is not up yet, here or on the way.
    Errno::HOSTUNREACH,
    Errno::NETUNREACH,
    Errno::NETDOWN,
    Errno::NETRESET,
    Errno::NONET,
    Errno::ADDRNOTAVAIL,
    Errno::NODEV,
    // The machine has no ports, memory or descriptors left at the moment.
    Errno::AGAIN,
    Errno::ADDRINUSE,
    Errno::NOBUFS,
    Errno::NOMEM,
    Errno::MFILE,
    Errno::NFILE,
    Errno::INTR,
];

/// The same errors where there is no number: in a connection of the caller's.
const PASSING_KINDS: &[ErrorKind] = &[
    ErrorKind::ConnectionRefused,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::BrokenPipe,
    ErrorKind::TimedOut,
    ErrorKind::UnexpectedEof,
    ErrorKind::HostUnreachable,
    ErrorKind::NetworkUnreachable,
    ErrorKind::NetworkDown,
    ErrorKind::AddrNotAvailable,
    ErrorKind::AddrInUse,
    ErrorKind::WouldBlock,
    ErrorKind::OutOfMemory,
    ErrorKind::Interrupted,
];

/// Returns whether an error of a connection, or of the way to one, may pass by itself. What this
/// machine forbids or can't do (`EACCES`, `EPERM`, `EAFNOSUPPORT`, `EINVAL`) does not.
pub(super) fn may_pass(error: &io::Error) -> bool {
    match Errno::from_io_error(error) {
        Some(errno) => PASSING.contains(&errno),
        None => PASSING_KINDS.contains(&error.kind()),
    }
}

/// Returns whether a failed lookup of a name may succeed later: always, unless the name service
/// has answered that there is nothing to find, or the name can't be one.
pub(super) fn look_up_may_pass(error: &io::Error) -> bool {
    !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of Linux are below this one (errno.h ends at 133).
    const END: i32 = 134;

    #[test]
    fn of_all_errors_just_these_may_pass() {
        let passing = (1..END).map(io::Error::from_raw_os_error).filter(may_pass);
        let mut passing: Vec<_> = passing.filter_map(|it| it.raw_os_error()).collect();
        let mut listed: Vec<_> = PASSING.iter().map(|errno| errno.raw_os_error()).collect();
        passing.sort_unstable();
        listed.sort_unstable();
        assert_eq!(passing, listed);
        for final_one in [Errno::ACCESS, Errno::PERM, Errno::AFNOSUPPORT, Errno::INVAL] {
            assert!(!may_pass(&final_one.into()), "{final_one}");
        }
    }

    #[test]
    fn a_number_and_its_kind_are_judged_alike() {
        for number in 1..END {
            let error = io::Error::from_raw_os_error(number);
            let kind = error.kind();
            // Where std has no kind for a number, that is a kind which nobody can name.
            let nameless = format!("{kind:?}") == "Uncategorized";
            assert!(nameless || may_pass(&error) == may_pass(&kind.into()), "{error}: {kind:?}");
        }
    }
}
