//! Finds the competitors' programs on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use fetchlet_test_kit::installed;

use crate::result::Result;

/// Each program's name, with the option that prints its version.
const KNOWN: &[(&str, &str)] = &[
    ("atftp", "--version"),
    ("atftpd", "--version"),
    ("curl", "--version"),
    ("nginx", "-v"),
    ("python3", "--version"),
    ("sha256sum", "--version"),
    ("strace", "--version"),
];

#[derive(Debug)]
pub(crate) struct Tools(BTreeMap<&'static str, PathBuf>);

impl Tools {
    pub(crate) fn find(required: &[String]) -> Result<Self> {
        let found = KNOWN.iter().filter_map(|(name, _)| Some((*name, installed(name).ok()?)));
        let tools = Self(found.collect());
        match required.iter().find(|it| !tools.0.contains_key(it.as_str())) {
            Some(missing) => Err(format!("{missing} is required, and not installed").into()),
            None => Ok(tools),
        }
    }

    /// Returns the program's path, or the reason why there is none.
    pub(crate) fn get(&self, name: &str) -> std::result::Result<&Path, String> {
        self.0.get(name).map(PathBuf::as_path).ok_or_else(|| format!("{name} is not installed"))
    }

    /// Returns the first four words of each program's version line.
    pub(crate) fn versions(&self) -> Vec<String> {
        let version = |(name, flag): &(&str, &str)| {
            let output = Command::new(self.0.get(name)?).arg(flag).output().ok()?;
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            // curl's line goes on with every library that curl is linked to.
            let words = said.lines().next()?.split_ascii_whitespace().take(4);
            Some(words.collect::<Vec<_>>().join(" "))
        };
        KNOWN.iter().filter_map(version).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_and_missing_is_an_error() {
        let error = Tools::find(&["no-such-tool".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "no-such-tool is required, and not installed");
    }
}
