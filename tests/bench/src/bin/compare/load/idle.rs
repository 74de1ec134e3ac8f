//! Connections that say nothing, from more addresses than one, as a crowd of waiting devices does.

use std::net::{Ipv4Addr, SocketAddr};

use fetchlet_test_kit::PATIENCE;
use socket2::{Domain, Socket, Type};

use crate::Result;

/// So many come from each address: fewer than it has ports.
const FROM_EACH: usize = 1000;

/// Open for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Idle(Vec<Socket>);

impl Idle {
    /// From 127.0.2.1 upwards.
    pub(crate) fn open(server: SocketAddr, connections: usize) -> Result<Self> {
        let open = |number| {
            let last = u8::try_from(1 + number / FROM_EACH)?;
            let own = SocketAddr::from((Ipv4Addr::new(127, 0, 2, last), 0));
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.bind(&own.into())?;
            socket.connect_timeout(&server.into(), PATIENCE)?;
            Ok(socket)
        };
        let sockets: Result<Vec<Socket>> = (0..connections).map(open).collect();
        Ok(Self(sockets.map_err(|error| format!("idle connections: {error}"))?))
    }

    /// Whether the server has kept them all.
    pub(crate) fn check(&self) -> Result<()> {
        for socket in &self.0 {
            socket.set_nonblocking(true)?;
            match socket.peek(&mut [std::mem::MaybeUninit::uninit()]) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Ok(_) => return Err("the server closed an idle connection".into()),
                Err(error) => return Err(format!("an idle connection: {error}").into()),
            }
        }
        Ok(())
    }
}
