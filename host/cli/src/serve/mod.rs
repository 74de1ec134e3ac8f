//! `fetchlet serve`: opens the folder, listens, serves until a signal, stops.

mod args;
mod bind_addr;
mod error;
mod inherited;
mod listen;
mod notify;
mod port;
mod reload;
mod signals;

pub(crate) use args::Args;

use std::io::{self, Write};
use std::net;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use error::StartError;
use fetchlet::server::{Root, Server};
use inherited::Inherited;
use reload::Reloader;
use signals::Signals;

use crate::exit_code::ExitCode;
use crate::log;
use crate::output::eprint_line;

/// The most requests that wait for the disk at once, each in a thread of its own. A request whose
/// file is in memory waits for none of these threads.
const DISK_THREADS: usize = 16;

/// How long the runtime may take to stop once no exchange is waited for any more. A read from a
/// disk that hangs can last longer, and is abandoned.
const RUNTIME_SHUTDOWN: Duration = Duration::from_secs(1);

/// Runs the command: serves until a signal says to stop.
pub(crate) fn run(args: Args) -> ExitCode {
    // First of all, since this changes the environment: there is no other thread yet.
    let inherited = Inherited::take();
    log::init(args.log_format, args.verbose, args.quiet);
    match start(&args, inherited) {
        Ok(code) => code,
        Err(StartError { code, reason }) => {
            eprint_line(format_args!("{reason}"));
            code
        }
    }
}

fn internal(error: io::Error) -> StartError {
    StartError { code: ExitCode::Internal, reason: format!("cannot start: {error}") }
}

fn start(args: &Args, inherited: Result<Inherited, StartError>) -> Result<ExitCode, StartError> {
    let root = Root::open(&args.root, args.root_options()).map_err(|error| {
        let reason = format!("{error}; name another with --root");
        StartError { code: ExitCode::NoInput, reason }
    })?;
    let inherited = inherited?;
    inherited.warn();
    let mut listeners = inherited.listeners;
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
    let server = Server::new(root, args.config()?);
    let runtime =
        Builder::new_multi_thread().enable_all().max_blocking_threads(DISK_THREADS).build();
    let runtime = runtime.map_err(internal)?;
    let ended = runtime.block_on(serve(&server, listeners, args));
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN);
    ended.map_err(internal)
}

async fn serve(
    server: &Server,
    listeners: Vec<net::TcpListener>,
    args: &Args,
) -> io::Result<ExitCode> {
    // Before anybody is told that the server runs, and might stop it.
    let reloader = Reloader::new(server.clone(), args)?;
    let mut signals = Signals::new(!reloader.takes_hangup())?;
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

/// Prints each listener's address to stdout. A closed stdout is no reason not to serve.
fn announce(listeners: &[net::TcpListener]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for listener in listeners {
        writeln!(stdout, "listening on {}", listener.local_addr()?).ok();
    }
    stdout.flush().ok();
    Ok(())
}
