//! Serves one file by the simplest loop: accept, read the request, send the header and the file,
//! close. The loop serves one client at a time, opens the file beforehand and checks nothing, so no
//! real server can be expected to cost less.

use std::convert::Infallible;
use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use fetchlet_codec::ResponseHeader;
use rustix::fs::sendfile;
use rustix::net::{SendFlags, send};

use super::server::{Competitor, CompetitorServer, Started};
use crate::files::TestFile;
use crate::load::Protocol;
use crate::result::Result;

pub(super) fn start(file: &TestFile) -> Result<Started> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("raw").arg(&file.path);
    Ok(Ok(CompetitorServer::announced(Competitor::Raw, Protocol::Ours, &mut command)?))
}

/// Serves the file at `path` until the process is killed.
pub(crate) fn serve(path: &Path) -> Result<Infallible> {
    let file = File::open(path)?;
    let len = u32::try_from(file.metadata()?.len())?;
    let header = ResponseHeader::file(len).encode();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("listening on {}", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (client, _) = listener.accept()?;
        // A client sees by itself that its answer failed.
        answer(client, &file, &header, u64::from(len)).ok();
    }
}

fn answer(mut client: TcpStream, file: &File, header: &[u8], len: u64) -> Result<()> {
    let mut request = [0; 2048];
    if client.read(&mut request)? == 0 {
        return Ok(());
    }
    send(&client, header, SendFlags::MORE | SendFlags::NOSIGNAL)?;
    let mut at = 0;
    while at < len {
        let left = usize::try_from(len - at)?;
        if sendfile(&client, file, Some(&mut at), left)? == 0 {
            return Err("the file shrank".into());
        }
    }
    Ok(client.shutdown(Shutdown::Write)?)
}
