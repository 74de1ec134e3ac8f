//! The FETCH client in Python as a process, and what it leaves in its folder.

use std::fs;
use std::path::{Path, PathBuf};

use fetchlet_test_kit::output;

use crate::python::{Listening, hex, python};

/// How a run of the Python client ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The exit code: see the head of `fetch_client.py`.
    pub(crate) code: i32,
    /// A line for each file.
    pub(crate) said: Vec<String>,
}

impl Ended {
    pub(crate) fn new(code: i32, said: &[&str]) -> Self {
        Self { code, said: said.iter().map(|&line| line.to_owned()).collect() }
    }
}

pub(crate) fn verified() -> Ended {
    Ended::new(0, &["verified"])
}

/// A folder into which the Python client fetches, with the names of part and record.
pub(crate) struct FetchFolder(tempfile::TempDir);

impl FetchFolder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Runs the Python client with these names and options.
    pub(crate) fn fetch(&self, port: u16, names: &[&str], options: &[&str]) -> Ended {
        let mut client = python("fetch_client.py");
        client.args(["127.0.0.1", &port.to_string()]).arg(self.path());
        client.args(names.iter().map(|name| hex(name.as_bytes()))).args(options);
        let output = output(&mut client);
        assert!(output.stderr.is_empty(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        Ended { code: output.status.code().unwrap(), said }
    }

    /// Returns how many bytes of `name` are kept in a part that has its record.
    pub(crate) fn kept(&self, name: &str) -> Option<u64> {
        let record = self.file(&format!("{name}.record")).exists();
        let part = fs::metadata(self.file(&format!("{name}.part"))).ok();
        assert_eq!(record, part.is_some(), "part and record come and go together");
        part.map(|part| part.len())
    }
}

/// Starts the FETCH server in Python.
pub(crate) fn python_server(folder: &Path, options: &[&str]) -> Listening {
    Listening::start(python("fetch_server.py").arg(folder).args(options))
}
