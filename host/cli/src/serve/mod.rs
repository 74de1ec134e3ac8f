//! `fetchlet serve`: opens the folder, listens, serves until a signal, stops.

mod args;
mod bind_addr;
mod deadline;
mod error;
mod inherited;
mod listen;
mod notify;
mod port;
mod reload;
mod signals;
mod ticker;

pub(crate) use args::Args;

use std::io::{self, Write};
use std::net;
use std::os::fd::RawFd;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use deadline::ListenerSet;
use error::StartError;
use fetchlet::server::{Root, Server};
use inherited::Inherited;
use reload::Reloader;
use signals::Signals;

use crate::background_writer::{BackgroundWriter, write_within};
use crate::exit_code::ExitCode;
use crate::log;
use crate::output::{Chain, eprint_line, line_for_user};

/// The most threads that wait for files: for the disk, and for file systems which hang. A request
/// whose file is in memory waits for none of them.
const BLOCKING_THREADS: usize = Server::MAX_DISK_THREADS + Server::MAX_HUNG_THREADS;

/// How long the runtime may take to stop once no exchange is waited for any more. A read from a
/// disk that hangs can last longer, and is abandoned. Less than what [`deadline`] leaves.
const RUNTIME_SHUTDOWN: Duration = Duration::from_millis(200);

/// How long the end of a stop waits for the log. Also on a busy machine its thread writes within
/// that, unless nobody reads; [`deadline`] may leave less.
const LOG_FLUSH: Duration = Duration::from_millis(500);

/// How long the end of a start that failed waits for the log, which has the reason. Nobody is
/// served meanwhile.
const REASON_FLUSH: Duration = Duration::from_secs(5);

/// How long the start waits for stdout. Its reader finds the addresses there before anybody is told
/// that the server is ready, unless it does not read.
const ANNOUNCEMENT: Duration = Duration::from_millis(100);

/// Runs the command: serves until a signal says to stop.
pub(crate) fn run(args: Args) -> ExitCode {
    // First of all, since this changes the environment: there is no other thread yet.
    let inherited = Inherited::take();
    let mut log = match log::init(args.log_format, args.verbose, args.quiet) {
        Ok(log) => log,
        Err(error) => {
            eprint_line(format_args!("cannot start: {error}"));
            return ExitCode::Internal;
        }
    };
    match start(&args, inherited, &log) {
        Ok(code) => {
            log.flush_for(LOG_FLUSH);
            code
        }
        Err(StartError { code, reason }) => {
            log.write_all(line_for_user(format_args!("{reason}")).as_bytes()).ok();
            log.flush_for(REASON_FLUSH);
            code
        }
    }
}

fn internal(error: io::Error) -> StartError {
    StartError { code: ExitCode::Internal, reason: format!("cannot start: {error}") }
}

fn start(
    args: &Args,
    inherited: Result<Inherited, StartError>,
    log: &BackgroundWriter,
) -> Result<ExitCode, StartError> {
    let root = Root::open(&args.root, args.root_options()).map_err(|error| {
        let reason = format!("{}; name another with --root", Chain(&error));
        StartError { code: ExitCode::NoInput, reason }
    })?;
    let config = args.config()?;
    let inherited = inherited?;
    inherited.warn();
    let mut listeners = inherited.listeners;
    let inherited = deadline::numbers(&listeners);
    if listeners.is_empty() {
        listeners = listen::bind(&args.bind, args.port, args.freebind)?;
        if args.bind.iter().all(|address| address.ip.is_loopback()) {
            tracing::info!(
                "only this machine can connect; for devices on the network: --bind 0.0.0.0"
            );
        }
    } else {
        tracing::info!("listening on what systemd passed on: PORT and --bind are not used");
    }
    if let Some(name) = &args.congestion {
        listen::set_congestion(&listeners, name)?;
    }
    let server = Server::new(root, config);
    run_until_stopped(&server, listeners, &inherited, args, log).map_err(internal)
}

/// Runs the runtime, from its start to its end.
fn run_until_stopped(
    server: &Server,
    listeners: Vec<net::TcpListener>,
    inherited: &[RawFd],
    args: &Args,
    log: &BackgroundWriter,
) -> io::Result<ExitCode> {
    let runtime =
        Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()?;
    let ended = runtime.block_on(async {
        // Before anybody is told that the server runs, and might stop it.
        let reloader = Reloader::new(server.clone(), args)?;
        let signals = Signals::new(!reloader.takes_hangup())?;
        let watched = ListenerSet::new(&listeners, inherited)?;
        deadline::watch(&signals.numbers(), watched, *args.grace, server, log)?;
        serve(server, listeners, reloader, signals).await
    });
    // Also after a second signal.
    server.log_hung_calls();
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN);
    deadline::close_connections(inherited);
    ended
}

async fn serve(
    server: &Server,
    listeners: Vec<net::TcpListener>,
    reloader: Reloader,
    mut signals: Signals,
) -> io::Result<ExitCode> {
    announce(&listeners)?;
    let (stop, stopping) = watch::channel(false);
    let mut runs = JoinSet::new();
    for listener in listeners {
        let (server, listener) = (server.clone(), TcpListener::from_std(listener)?);
        let mut stopping = stopping.clone();
        runs.spawn(async move {
            let stopped = async {
                stopping.wait_for(|stop| *stop).await.ok();
            };
            server.run(listener, stopped).await
        });
    }
    // A set, since a set aborts its tasks when dropped.
    let mut reloads = JoinSet::new();
    reloads.spawn(reloader.run());
    notify::send_state("READY=1");
    let signal = tokio::select! {
        signal = signals.next() => signal,
        Some(ended) = runs.join_next() => {
            ended??;
            return Err(io::Error::other("a listener ended by itself"));
        }
    };
    drop(reloads);
    tracing::info!(signal = signal.name, "stopping; a second signal stops at once");
    notify::send_state("STOPPING=1");
    stop.send(true).ok();
    let drained = async { while runs.join_next().await.is_some() {} };
    tokio::select! {
        () = drained => Ok(ExitCode::Done),
        second = signals.next() => Ok(second.code),
    }
}

/// Prints each listener's address to stdout. A closed stdout is no reason not to serve, and neither
/// is one that nobody reads.
fn announce(listeners: &[net::TcpListener]) -> io::Result<()> {
    let mut text = String::new();
    for listener in listeners {
        text += &format!("listening on {}\n", listener.local_addr()?);
    }
    write_within(ANNOUNCEMENT, io::stdout(), text)
}
