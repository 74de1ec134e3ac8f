//! Paths of programs: those of this workspace beside the running one, those of others in the
//! system's folders.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::signals::default_signals_for_children;

/// Returns the path of a program of this workspace, which cargo builds beside the running program
/// or test.
///
/// # Errors
///
/// If the program is not built with the profile of the running one.
pub fn built(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // Tests are one folder deeper than programs.
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    beside.into_iter().find(|program| program.is_file()).ok_or_else(|| {
        let hint = "not built: `cargo build --workspace`, with this program's profile, builds it";
        io::Error::new(io::ErrorKind::NotFound, format!("{name} is {hint}"))
    })
}

/// Returns the path of an installed program. Searches the folders of administrators too, which may
/// not be in a user's `PATH`.
///
/// # Errors
///
/// If the program is not installed.
pub fn installed(name: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    let folders = std::env::split_paths(&path).chain(more);
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is not installed"));
    folders.map(|it| it.join(name)).find(|it| it.is_file()).ok_or_else(missing)
}

/// Returns a command with an empty environment, with no input, and with the default action of each
/// signal.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    default_signals_for_children();
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs a command to its end, without input and with the default action of each signal, and returns
/// its exit status, stdout and stderr.
///
/// # Panics
///
/// If the program can't be started.
pub fn output(command: &mut Command) -> Output {
    default_signals_for_children();
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Returns the command `fetchlet`, [`bare`].
///
/// # Panics
///
/// If the program is not built.
pub fn fetchlet() -> Command {
    bare(built("fetchlet").unwrap_or_else(|error| panic!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_an_error_that_says_so() {
        let said = built("nothing-of-this-name").unwrap_err().to_string();
        assert!(said.contains("nothing-of-this-name is not built"), "{said}");
        let said = installed("nothing-of-this-name").unwrap_err().to_string();
        assert_eq!(said, "nothing-of-this-name is not installed");
    }
}
