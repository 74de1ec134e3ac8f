//! Where programs are: ours beside this one, those of others where the system has them.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One of the programs that cargo builds beside this one, be it a program or a test.
///
/// # Errors
///
/// If it is not there: it was not built, or with another profile.
pub fn built(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // Tests are one folder deeper than programs.
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    beside.into_iter().find(|program| program.is_file()).ok_or_else(|| {
        let hint = "not built: `cargo build --workspace`, with this program's profile, builds it";
        io::Error::new(io::ErrorKind::NotFound, format!("{name} is {hint}"))
    })
}

/// A program of others, be it one for administrators, whose folders may not be in a user's PATH.
///
/// # Errors
///
/// If it is not installed.
pub fn installed(name: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    let folders = std::env::split_paths(&path).chain(more);
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is not installed"));
    folders.map(|it| it.join(name)).find(|it| it.is_file()).ok_or_else(missing)
}

/// A program with no input, and no option from the environment.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command
}

/// The program `fetchlet`, [`bare`].
///
/// # Panics
///
/// If it is not built.
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
