//! The end of a stop: whatever still waits then, connections are closed and the program exits.
//!
//! A thread of its own, since the runtime's threads may be what waits: a file system that hangs
//! lets go of none.

use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use std::{fs, io, iter, process, thread};

use fetchlet::server::Server;
use libc::{SIGHUP, SIGINT};
use nix::sys::socket::{self, AddressFamily, Shutdown, SockaddrLike, SockaddrStorage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::background_writer::BackgroundWriter;
use crate::exit_code::ExitCode;

/// How long a stop may take beyond the grace, and one by a second signal in all. A second is what
/// users are told; the rest is for closing connections, the log, and the exit.
const OVERTIME: Duration = Duration::from_millis(500);

/// How long the log is waited for then. What its reader has not taken by then is lost.
const LOG_FLUSH: Duration = Duration::from_millis(250);

/// The descriptors that are tried when the system lists none, as when the program has as many as it
/// may have. Each takes a fraction of a microsecond; a server with the default limits has fewer
/// than 9,000.
const ALL_DESCRIPTORS: std::ops::Range<RawFd> = 0..65_536;

/// The listeners of `serve`, and who else has them.
#[derive(Debug)]
pub(super) struct ListenerSet {
    /// Clones of those that this program bound.
    bound: Vec<TcpListener>,
    /// Those that the program was started with. To shut one down would end it for the service
    /// manager as well.
    inherited: Vec<RawFd>,
}

impl ListenerSet {
    /// Makes the set of `listeners`, which are `inherited` if those are any.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left.
    pub(super) fn new(listeners: &[TcpListener], inherited: &[RawFd]) -> io::Result<Self> {
        let bound = if inherited.is_empty() { listeners } else { &[] };
        let bound = bound.iter().map(TcpListener::try_clone).collect::<io::Result<_>>()?;
        Ok(Self { bound, inherited: inherited.into() })
    }
}

/// Watches over stops for the rest of the process.
///
/// After the first of the `signals` nobody can connect to a listener that this program bound. The
/// process ends after `grace` and some time more, and within a second after a further signal, but
/// not after a further SIGHUP: a terminal that is closed sends two. The runtime, which gets the
/// same signals, is expected to end it before.
///
/// # Errors
///
/// If the system allows no thread or no signal handler.
pub(super) fn watch(
    signals: &[i32],
    listeners: ListenerSet,
    grace: Duration,
    server: &Server,
    log: &BackgroundWriter,
) -> io::Result<()> {
    let (read, write) = UnixStream::pair()?;
    let signals = SignalDelivery::with_pipe(read, write, SignalOnly, signals)?;
    let mut watch = Watch { signals };
    let (server, log) = (server.clone(), log.clone());
    thread::Builder::new()
        .name("stop".into())
        .spawn(move || watch.end_process(listeners, grace, &server, &log))?;
    Ok(())
}

struct Watch {
    signals: SignalDelivery<UnixStream, SignalOnly>,
}

impl Watch {
    fn end_process(
        &mut self,
        listeners: ListenerSet,
        grace: Duration,
        server: &Server,
        log: &BackgroundWriter,
    ) -> ! {
        self.next_signal(None);
        for listener in listeners.bound {
            // Also when no thread of the runtime is left to close its own.
            rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).ok();
        }
        let mut end = Instant::now().checked_add(grace.saturating_add(OVERTIME));
        let mut code = ExitCode::Done;
        let mut further = iter::from_fn(|| self.next_signal(end));
        if let Some(second) = further.find(|signal| *signal != SIGHUP) {
            code = if second == SIGINT { ExitCode::Interrupted } else { ExitCode::Terminated };
            let soon = Instant::now().checked_add(OVERTIME);
            end = soon.min(end.or(soon));
            while self.next_signal(end).is_some() {}
        }
        close_connections(&listeners.inherited);
        tracing::warn!("something does not end: every connection is closed without waiting for it");
        server.log_hung_calls();
        log.flush_for(LOG_FLUSH);
        process::exit(code as i32)
    }

    /// Waits for a signal, at most until `end`.
    fn next_signal(&mut self, end: Option<Instant>) -> Option<i32> {
        loop {
            if let Some(signal) = self.signals.pending().next() {
                return Some(signal);
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return None;
            }
            // What can't be told as a `Timespec` is as long as for ever.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut signals = [PollFd::new(self.signals.get_read(), PollFlags::IN)];
            poll(&mut signals, left.as_ref()).ok();
        }
    }
}

/// Ends every connection that the process still has, whichever thread holds it: while one thread
/// hangs in the kernel, the end of the process would close none.
pub(super) fn close_connections(inherited: &[RawFd]) {
    for number in descriptors().unwrap_or_else(|_| ALL_DESCRIPTORS.collect()) {
        if !inherited.contains(&number) && is_on_network(number) {
            // It may be closed by now.
            socket::shutdown(number, Shutdown::Both).ok();
        }
    }
}

/// Whether a descriptor is a socket with an IP address. The log, or how the runtime learns of
/// signals, may be a socket as well.
fn is_on_network(number: RawFd) -> bool {
    let address = socket::getsockname::<SockaddrStorage>(number);
    let family = address.ok().and_then(|address| address.family());
    matches!(family, Some(AddressFamily::Inet | AddressFamily::Inet6))
}

/// Returns the numbers of all descriptors of the process.
fn descriptors() -> io::Result<Vec<RawFd>> {
    let entries = fs::read_dir("/proc/self/fd")?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// Returns the descriptor number of each listener.
pub(super) fn numbers(listeners: &[impl AsFd]) -> Vec<RawFd> {
    listeners.iter().map(|listener| listener.as_fd().as_raw_fd()).collect()
}
