//! Where the device's bytes go: checksums, a progress bar, and a file that appears only when whole.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use fetchlet::{IfExists, Staging, StagingError};
use fetchlet_embedded_example::Sink;
use indicatif::{ProgressBar, ProgressStyle};

use crate::hash::Hasher;

pub(crate) struct Received {
    hasher: Hasher,
    staging: Option<Staging>,
    bar: ProgressBar,
}

impl Received {
    /// Keeps the file under `target`, if there is one.
    pub(crate) fn new(target: Option<&Path>) -> Result<Self, StagingError> {
        let staging = target.map(Staging::create).transpose()?;
        Ok(Self { hasher: Hasher::default(), staging, bar: ProgressBar::hidden() })
    }

    /// The checksums of what came.
    pub(crate) const fn hasher(&self) -> &Hasher {
        &self.hasher
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Sink for Received {
    type Error = String;

    fn begin(&mut self, len: u32) -> Result<(), String> {
        if let Some(staging) = &self.staging {
            staging.check_room(len.into()).map_err(|error| chain(&error))?;
        }
        if io::stderr().is_terminal() {
            let template = "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
            let style = ProgressStyle::with_template(template);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bar = ProgressBar::new(len.into()).with_style(style);
        }
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), String> {
        self.hasher.update(data);
        self.bar.inc(data.len() as u64);
        match &self.staging {
            Some(staging) => staging
                .file()
                .write_all(data)
                .map_err(|error| format!("cannot keep the file: {error}")),
            None => Ok(()),
        }
    }

    /// Only now the file gets its name (R14).
    fn finish(&mut self) -> Result<(), String> {
        self.bar.finish_and_clear();
        let Some(mut staging) = self.staging.take() else { return Ok(()) };
        staging.sync().map_err(|error| chain(&error))?;
        staging.commit(IfExists::Fail).map_err(|error| chain(&error))
    }
}

/// The text of an error with all its sources: what failed, and why.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
