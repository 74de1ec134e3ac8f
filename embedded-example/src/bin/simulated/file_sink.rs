//! The device's sink: checksums, a progress bar, and a file that appears only when it is whole.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use fetchlet::{IfExists, Staging, StagingError};
use fetchlet_embedded_example::{Digests, error_chain};
use fetchlet_smoltcp::Sink;
use indicatif::{ProgressBar, ProgressStyle};

/// Computes the checksums of a file and keeps the file under a name, if there is one.
pub(crate) struct FileSink {
    digests: Digests,
    staging: Option<Staging>,
    bar: ProgressBar,
}

impl FileSink {
    /// Makes a sink that keeps the file under the path `target`, if there is one.
    pub(crate) fn new(target: Option<&Path>) -> Result<Self, StagingError> {
        let staging = target.map(Staging::create).transpose()?;
        Ok(Self { digests: Digests::default(), staging, bar: ProgressBar::hidden() })
    }

    /// The checksums of the bytes so far.
    pub(crate) const fn digests(&self) -> &Digests {
        &self.digests
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Sink for FileSink {
    type Error = String;

    fn begin(&mut self, len: u32) -> Result<(), String> {
        if let Some(staging) = &self.staging {
            staging.check_room(len.into()).map_err(|error| error_chain(&error))?;
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
        self.digests.update(data);
        self.bar.inc(data.len() as u64);
        match &self.staging {
            Some(staging) => staging
                .file()
                .write_all(data)
                .map_err(|error| format!("cannot keep the file: {error}")),
            None => Ok(()),
        }
    }

    /// Gives the file its name, now that it is whole (R14).
    fn finish(&mut self) -> Result<(), String> {
        self.bar.finish_and_clear();
        let Some(mut staging) = self.staging.take() else { return Ok(()) };
        staging.sync().map_err(|error| error_chain(&error))?;
        staging.commit(IfExists::Fail).map_err(|error| error_chain(&error))
    }
}
