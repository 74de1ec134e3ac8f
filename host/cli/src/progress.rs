//! Shows the progress of a download: a bar, a line now and then, or nothing.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use fetchlet::Progress;

use crate::output::eprint_line;

/// What `--progress` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Style {
    /// A bar where stderr is a terminal, else plain.
    Auto,
    /// A bar with the rate and the time left.
    Bar,
    /// A line every 10 s.
    Plain,
    /// Nothing.
    None,
}

/// Shows one download.
pub(crate) enum Display {
    Bar(ProgressBar),
    Plain { name: String, last: Instant },
    Silent,
}

/// How often [`Style::Plain`] prints a line: often enough to see that the download moves, seldom
/// enough for a log.
const INTERVAL: Duration = Duration::from_secs(10);

/// The bar, in the words of indicatif.
const TEMPLATE: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";

impl Display {
    /// Shows a download of `data_len` bytes. `name` is printed as it is, so it has to be escaped.
    pub(crate) fn new(style: Style, name: &str, data_len: u32) -> Self {
        match style {
            Style::None => Self::Silent,
            Style::Bar => Self::bar(name, data_len),
            Style::Auto if io::stderr().is_terminal() => Self::bar(name, data_len),
            Style::Auto | Style::Plain => Self::Plain { name: name.into(), last: Instant::now() },
        }
    }

    fn bar(name: &str, data_len: u32) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE);
        let bar = ProgressBar::new(data_len.into()).with_message(name.to_owned());
        Self::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(crate) fn update(&mut self, progress: Progress) {
        match self {
            Self::Bar(bar) => bar.set_position(progress.received.into()),
            Self::Plain { name, last } if last.elapsed() >= INTERVAL => {
                *last = Instant::now();
                let Progress { received, expected } = progress;
                let (received, expected) = (u64::from(received), u64::from(expected));
                let percent = received * 100 / expected.max(1);
                let (received, expected) = (HumanBytes(received), HumanBytes(expected));
                eprint_line(format_args!("{name}: {received} of {expected} ({percent} %)"));
            }
            Self::Plain { .. } | Self::Silent => {}
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
