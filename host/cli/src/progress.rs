//! Shows the progress of a download: a bar, a line now and then, or nothing. The download never
//! waits for what shows it, which may be a terminal that is stopped.

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use fetchlet::Progress;

use crate::output::post_line;

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
    Bar(Bar),
    Plain { name: String, last: Instant },
    Silent,
}

/// How often [`Style::Plain`] prints a line: often enough to see that the download moves, seldom
/// enough for a log.
const INTERVAL: Duration = Duration::from_secs(10);

/// How often the bar is drawn: as often as indicatif draws at most.
const REDRAW: Duration = Duration::from_millis(50);

/// How long the end of a download waits until the bar is cleared: longer than a busy machine takes.
/// A terminal may be stopped by Ctrl-S.
const CLEAR: Duration = Duration::from_millis(500);

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

    /// Without a thread there is no bar.
    fn bar(name: &str, data_len: u32) -> Self {
        Bar::start(name, data_len).map_or(Self::Silent, Self::Bar)
    }

    pub(crate) fn update(&mut self, progress: Progress) {
        match self {
            Self::Bar(bar) => bar.received.store(progress.received, Ordering::Relaxed),
            Self::Plain { name, last } if last.elapsed() >= INTERVAL => {
                *last = Instant::now();
                let Progress { received, expected } = progress;
                let (received, expected) = (u64::from(received), u64::from(expected));
                let percent = received * 100 / expected.max(1);
                let (received, expected) = (HumanBytes(received), HumanBytes(expected));
                post_line(format_args!("{name}: {received} of {expected} ({percent} %)"));
            }
            Self::Plain { .. } | Self::Silent => {}
        }
    }
}

/// A bar that a thread of its own draws, until this is dropped.
pub(crate) struct Bar {
    received: Arc<AtomicU32>,
    /// The thread clears the bar and ends when this is gone.
    running: Option<Sender<Infallible>>,
    /// The other end is gone when the thread has ended.
    ended: Receiver<Infallible>,
}

impl Bar {
    fn start(name: &str, data_len: u32) -> io::Result<Self> {
        let style = ProgressStyle::with_template(TEMPLATE);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(data_len.into()).with_message(name.to_owned()).with_style(style);
        let received = Arc::new(AtomicU32::new(0));
        let (running, is_running) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let shown = Arc::clone(&received);
        thread::Builder::new().name("bar".into()).spawn(move || {
            draw(&bar, &shown, &is_running);
            drop(end);
        })?;
        Ok(Self { received, running: Some(running), ended })
    }
}

/// Draws the bar again and again while the sender of `running` is there, then clears it.
fn draw(bar: &ProgressBar, received: &AtomicU32, running: &Receiver<Infallible>) {
    while running.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
        bar.set_position(received.load(Ordering::Relaxed).into());
    }
    bar.finish_and_clear();
}

impl Drop for Bar {
    /// Waits until the bar is cleared, so that it does not stand among what is printed next, or
    /// until [`CLEAR`] has passed.
    fn drop(&mut self) {
        self.running = None;
        self.ended.recv_timeout(CLEAR).ok();
    }
}
