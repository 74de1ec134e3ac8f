//! Serves a folder until standard input ends: `serve FOLDER ADDRESS`.
//!
//! ```sh
//! cargo run -p fetchlet --example serve -- firmware 127.0.0.1:5000
//! ```
//!
//! Port 0 stands for any free port; the first line on standard output tells the address. Press
//! Ctrl-D to stop: exchanges that have begun go on for at most [`Config::grace`].

use std::env;
use std::error::Error;
use std::io::{self, Read};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use fetchlet::server::{Config, Root, RootOptions, Server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, address] = arguments.as_slice() else {
        eprintln!("usage: serve FOLDER ADDRESS");
        return Ok(ExitCode::from(2));
    };
    let root = Root::open(folder, RootOptions::default())?;
    let mut config = Config::default();
    config.grace = Duration::from_secs(2);
    let server = Server::new(root, config);

    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    server.run(listener, end_of_input()).await?;
    println!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Ends when standard input does. The thread that waits may outlive the server, which nobody
/// notices: the program's end ends the thread.
async fn end_of_input() {
    let (ended, wait) = oneshot::channel();
    thread::spawn(move || {
        let read = io::stdin().read_to_end(&mut Vec::new());
        // The server may have ended by itself.
        ended.send(read).ok();
    });
    wait.await.ok();
}
