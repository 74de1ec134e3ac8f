//! The arguments of `fetchlet serve`, and the server's configuration that follows from them.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, ValueEnum, value_parser};
use humantime::Duration;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use fetchlet::server::{Config, RootOptions, Symlinks};

use super::bind_addr::BindAddr;
use super::error::StartError;
use crate::exit_code::ExitCode;
use crate::{log, value};

/// The descriptors kept for what is neither a connection nor a file: stdin, stdout and stderr,
/// listeners, signals, the runtime's own. With two listeners there are 16 in `/proc/PID/fd`; the
/// rest is reserve.
const SPARE: u64 = 32;

/// What the user can do about a limit of open files that is too low.
const RAISE_IT: &str = "raise it: `ulimit -n`, or LimitNOFILE= of systemd";

/// The examples and exit codes at the end of `fetchlet serve --help`.
const EXAMPLES: &str = "\
Examples:
  fetchlet serve 5000                                 this folder, to this machine only
  fetchlet serve --root firmware --bind 0.0.0.0 5000  a folder, to the whole network
  fetchlet serve --bind :: --timeout 1s 5000          IPv6 and IPv4; drop a silent peer after 1 s
  fetchlet serve --log-format json 0 2> log           any free port, which stdout tells

Every option can also be set in the environment: FETCHLET_ROOT=firmware for --root firmware,
FETCHLET_HIDDEN=1 for --hidden, FETCHLET_BIND=127.0.0.1,::1 for two times --bind.

Exit codes:
   0  stopped by a signal
   1  internal fault
   2  wrong usage
  66  the folder is missing or not a folder
  69  the address is in use, or not of this machine; a socket passed on by systemd is unfit
  77  no permission to listen there
 129, 130, 143  stopped at once by a second signal

SIGTERM and SIGINT stop it: transfers go on for at most --grace, then it exits with 0. A second one
stops it at once. Neither takes more than a second longer, whatever hangs. SIGHUP does the same on a
terminal. Under a service manager, or with --reload, it opens the folder anew: transfers go on, and
new requests are answered from what is there now.
Started by a systemd socket, it serves that and ignores PORT and --bind.";

/// Serve the files of a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The port to listen on: 1024 to 64000, or 0 for any that is free
    #[arg(value_parser = value::listen_port)]
    pub(super) port: u16,
    /// The folder to serve
    #[arg(long, env = "FETCHLET_ROOT", value_name = "DIR", default_value = ".")]
    pub(super) root: PathBuf,
    /// An address of this machine to listen on; `0.0.0.0` or `::` for all, `fe80::1%eth0` with its
    /// interface (repeatable)
    #[arg(long, env = "FETCHLET_BIND", value_name = "ADDR", default_value = "127.0.0.1")]
    #[arg(value_delimiter = ',')]
    pub(super) bind: Vec<BindAddr>,
    /// Listen on addresses that this machine does not have yet, such as a tunnel's
    #[arg(long, env = "FETCHLET_FREEBIND", value_parser = FalseyValueParser::new())]
    pub(super) freebind: bool,
    /// Drop a peer that takes nothing for this long
    #[arg(long, env = "FETCHLET_TIMEOUT", value_name = "DUR", default_value_t = default().timeout.into())]
    #[arg(value_parser = value::duration)]
    pub(super) timeout: Duration,
    /// Drop a peer whose request is not whole by then
    #[arg(long, env = "FETCHLET_REQUEST_DEADLINE", value_name = "DUR")]
    #[arg(default_value_t = default().request_deadline.into(), value_parser = value::duration)]
    request_deadline: Duration,
    /// Serve at most this many connections at once; more wait
    #[arg(long, env = "FETCHLET_MAX_CONNECTIONS", value_name = "N")]
    #[arg(default_value_t = count(default().max_connections))]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    max_connections: u32,
    /// Serve at most this many connections of one address (IPv6: of one /64), refuse more; 0: no
    /// cap
    #[arg(long, env = "FETCHLET_MAX_PER_PEER", value_name = "N")]
    #[arg(default_value_t = count(default().max_per_peer))]
    max_per_peer: u32,
    /// When stopped, let transfers go on for this long
    #[arg(long, env = "FETCHLET_GRACE", value_name = "DUR", default_value_t = default().grace.into())]
    #[arg(value_parser = value::duration_or_zero)]
    pub(super) grace: Duration,
    /// Send with this congestion control, such as reno, cubic or bbr
    #[arg(long, env = "FETCHLET_CONGESTION", value_name = "NAME")]
    pub(super) congestion: Option<String>,
    /// What to do about symbolic links
    #[arg(long, env = "FETCHLET_SYMLINKS", value_enum, default_value_t = Links::Deny)]
    symlinks: Links,
    /// Serve names that begin with a dot, too
    #[arg(long, env = "FETCHLET_HIDDEN", value_parser = FalseyValueParser::new())]
    hidden: bool,
    /// SIGHUP opens the folder anew, so that a replaced one is served, and does not stop the
    /// server; under a service manager it always does
    #[arg(long, env = "FETCHLET_RELOAD", value_parser = FalseyValueParser::new())]
    pub(super) reload: bool,
    /// How log lines on stderr look
    #[arg(long, env = "FETCHLET_LOG_FORMAT", value_enum, default_value_t = log::Format::Text)]
    pub(super) log_format: log::Format,
    /// Log connections and requests as they come, too (repeatable)
    #[arg(short, long, env = "FETCHLET_VERBOSE", action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Log only warnings
    #[arg(short, long, env = "FETCHLET_QUIET", value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Links {
    /// Names with a link in them are not found
    Deny,
    /// Links are followed while they stay inside the folder
    Inside,
}

impl Args {
    pub(super) fn root_options(&self) -> RootOptions {
        let symlinks = match self.symlinks {
            Links::Deny => Symlinks::Deny,
            Links::Inside => Symlinks::Inside,
        };
        let mut options = RootOptions::default();
        options.symlinks = symlinks;
        options.hidden = self.hidden;
        options
    }

    /// The server's limits: those asked for, as far as the system's limit of open files allows.
    pub(super) fn config(&self) -> Result<Config, StartError> {
        let wanted = u64::from(self.max_connections);
        let limit = raise_file_limit();
        let files = limit.saturating_sub(SPARE);
        if files < 2 {
            let needed = SPARE + 2;
            let reason = format!(
                "the limit of open files is {limit}, and at least {needed} are needed; {RAISE_IT}"
            );
            return Err(StartError { code: ExitCode::Internal, reason });
        }
        // At least a quarter is for the files that are sent; requests wait for one another there.
        let connections = wanted.min(files - files / 4).max(1);
        if wanted > connections {
            let is_default = self.max_connections == count(default().max_connections);
            let default = if is_default { "the default " } else { "" };
            tracing::warn!(
                "{default}--max-connections {wanted} is more than the limit of open files, {limit}, allows: \
                 using {connections}; {RAISE_IT}"
            );
        }
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut config = default();
        config.timeout = *self.timeout;
        config.request_deadline = *self.request_deadline;
        config.max_connections = count(connections);
        config.max_files = count(files.saturating_sub(connections).min(connections));
        config.max_per_peer = count(self.max_per_peer.into());
        config.grace = *self.grace;
        Ok(config)
    }
}

/// The library's limits and timeouts, which are the program's own defaults.
fn default() -> Config {
    Config::default()
}

/// A number of the library's, as an option takes it.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Raises the soft limit of open files to the hard one, and returns what it is then.
fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised,
        Err(_) => limit,
    };
    limit.current.unwrap_or(u64::MAX)
}
