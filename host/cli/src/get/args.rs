//! The arguments of `fetchlet get`.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use fetchlet::{Checksum, Client, Filename, IfExists, Verify};
use humantime::Duration;

use crate::progress::Style;
use crate::value;

/// Download a file from a server.
///
/// The file appears under its name only when it is whole.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The server's name or address; `fe80::1%eth0` with the interface to it
    #[arg(value_parser = value::host)]
    pub(super) host: String,
    /// The server's port, 1024 to 64000
    #[arg(value_parser = value::port)]
    pub(super) port: u16,
    /// The file's name on the server
    pub(super) file: Filename,
    /// Where to put the file; `-` is stdout, a device, a pipe or a socket is written to as that is
    /// [default: the last component of FILE, here]
    #[arg(short, long, env = "FETCHLET_OUTPUT", value_name = "PATH|-")]
    pub(super) output: Option<PathBuf>,
    /// Replace an existing target, atomically; its permissions stay, and if allowed its owner
    #[arg(short, long, env = "FETCHLET_FORCE", value_parser = FalseyValueParser::new())]
    pub(super) force: bool,
    /// How long to wait for a server that sends nothing
    #[arg(long, env = "FETCHLET_TIMEOUT", value_name = "DUR", default_value = "10s",
          value_parser = value::duration)]
    pub(super) timeout: Duration,
    /// How long to wait for a connection: for the name service and all of the host's addresses
    /// together
    #[arg(long, env = "FETCHLET_CONNECT_TIMEOUT", value_name = "DUR", default_value = "10s",
          value_parser = value::duration)]
    pub(super) connect_timeout: Duration,
    /// How many times to try again after a failure that may pass
    ///
    /// Those are: refused, reset, timed out or ended early; a network or host that is down or can't
    /// be reached, or no local address for it; a name service that fails or does not answer; no
    /// descriptor, port or memory left here. A name that does not exist is no such failure.
    #[arg(long, env = "FETCHLET_RETRY", value_name = "N", default_value_t = 0)]
    pub(super) retry: u32,
    /// Refuse a larger file before any byte is written; K, M and G are 1024, 1024² and 1024³ bytes
    #[arg(long, env = "FETCHLET_MAX_SIZE", value_name = "BYTES", value_parser = value::bytes)]
    pub(super) max_size: Option<u64>,
    /// Fail, and leave no file, unless its SHA-256 is this one (stdout has the data by then)
    #[arg(long, env = "FETCHLET_CHECKSUM", value_name = "sha256:HEX")]
    pub(super) checksum: Option<Checksum>,
    /// Print the file's SHA-256 to stdout
    #[arg(long, env = "FETCHLET_PRINT_CHECKSUM", value_parser = FalseyValueParser::new())]
    pub(super) print_checksum: bool,
    /// Do not wait until the file is on the disk: faster, but a power failure may lose or damage
    /// the file
    #[arg(long, env = "FETCHLET_NO_SYNC", value_parser = FalseyValueParser::new())]
    pub(super) no_sync: bool,
    /// How to show progress
    #[arg(long, env = "FETCHLET_PROGRESS", value_enum, value_name = "STYLE",
          default_value_t = Style::Auto)]
    pub(super) progress: Style,
    /// Say nothing but errors
    #[arg(short, long, env = "FETCHLET_QUIET", value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,
}

/// The examples and exit codes at the end of `fetchlet get --help`.
const EXAMPLES: &str = "\
Examples:
  fetchlet get 192.0.2.1 5000 firmware.bin
  fetchlet get localhost 5000 logs/today.txt --output - | less
  fetchlet get ::1 5000 image.bin --force --retry 5 --max-size 2M

Exit codes:
   0  done
   1  internal fault
   2  wrong usage
   6  cannot resolve the host's name
   7  cannot connect
   8  the answer is not this protocol, or the server found the request malformed
  18  the connection ended early
  23  cannot write the file here
  28  timed out, a name service that does not answer included
  32  the checksum is not the one given
  63  larger than --max-size
  73  the target exists
  78  the server has no such file
 129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM; 128 + n: by signal n
 141  stdout was closed";

impl Args {
    /// A client with the limits asked for.
    pub(super) fn client(&self) -> Client {
        let client =
            Client::new().connect_timeout(*self.connect_timeout).idle_timeout(*self.timeout);
        match self.max_size {
            Some(bytes) => client.max_size(bytes),
            None => client,
        }
    }

    pub(super) fn verify(&self) -> Verify {
        match self.checksum {
            Some(expected) => Verify::Expect(expected),
            None if self.print_checksum => Verify::Compute,
            None => Verify::None,
        }
    }

    pub(super) fn if_exists(&self) -> IfExists {
        if self.force { IfExists::Replace } else { IfExists::Fail }
    }
}
