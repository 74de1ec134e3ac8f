//! Opens connections that send nothing, from several addresses, because one address has too few
//! ports.

use std::net::{Ipv4Addr, SocketAddr};

use fetchlet_test_kit::PATIENCE;
use socket2::{Domain, Socket, Type};

use crate::result::Result;

/// The number of connections from each address: fewer than an address has ports (28,232 by
/// default).
const FROM_EACH: usize = 1000;

/// Idle connections, which close when this value is dropped.
#[derive(Debug)]
pub(crate) struct Idle(Vec<Socket>);

impl Idle {
    /// Opens `connections` connections, from the addresses 127.0.2.1 upwards.
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

    /// Fails if the server has closed a connection or sent something.
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
