//! Which thread does the server's work. The file has only one test, because the test reads the log
//! of the whole process.

use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::mpsc::{self, Sender};
use std::thread;

use fetchlet::server::{Config, Root, RootOptions, Server};
use fetchlet_test_kit::{LIMIT, within};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A log writer that sends the name of the thread on which a line is written.
struct Threads(Sender<Option<String>>);

impl io::Write for Threads {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The receiver is gone if the test has failed already.
        self.0.send(thread::current().name().map(String::from)).ok();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Inside the future that `block_on` polls, each accept would cost two thread switches: a third
/// more CPU time for a small file.
#[test]
fn connections_are_accepted_by_a_worker_of_the_runtime() {
    let (threads, logged) = mpsc::channel();
    tracing_subscriber::fmt().with_writer(move || Threads(threads.clone())).init();
    let thread = within(LIMIT, move || {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path(), RootOptions::default()).unwrap();
        // The accept loop itself refuses and logs a second connection from this address.
        let mut config = Config::default();
        config.max_per_peer = 1;
        let server = Server::new(root, config);
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).thread_name("worker").enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel();
            let refused = thread::spawn(move || {
                let _held = TcpStream::connect(address).unwrap();
                let read = TcpStream::connect(address).unwrap().read(&mut [0]);
                stop.send(()).unwrap();
                read
            });
            server.run(listener, async { stopped.await.unwrap() }).await.unwrap();
            assert_eq!(refused.join().unwrap().unwrap(), 0);
        });
        logged.recv().unwrap()
    });
    assert_eq!(thread.as_deref(), Some("worker"));
}
