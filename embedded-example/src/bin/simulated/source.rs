//! The server to fetch from and the name of its file.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};

use fetchlet_embedded_example::DemoServer;

use crate::args::Args;

/// A server and the file to fetch from it.
pub(crate) struct Source {
    pub(crate) server: SocketAddr,
    pub(crate) file: String,
    /// The program's own server, which ends with this value; `None` with `--server`.
    pub(crate) own: Option<DemoServer>,
}

impl Source {
    /// Takes the server of `--server`, or starts one with a generated file.
    pub(crate) fn new(args: &Args) -> Result<Self, String> {
        if let Some((server, file)) = args.server()? {
            return Ok(Self { server, file, own: None });
        }
        let own = DemoServer::start(Ipv4Addr::LOCALHOST, &env::temp_dir(), args.size, args.seed)
            .map_err(|error| format!("cannot start a server of our own: {error}"))?;
        let (server, file) = (own.address().into(), DemoServer::FILE.to_owned());
        Ok(Self { server, file, own: Some(own) })
    }
}
