//! Fetches a file end to end on one host: `cargo run -p fetchlet-smoltcp --example
//! fetch_on_smoltcp`.
//!
//! The client runs on its own TCP stack at one end of a simulated Ethernet segment. At the other
//! end a gateway relays its connection to a server on the loopback. In firmware the device is a MAC
//! driver, the clock a timer, the memory `static`, and the sink writes to flash.

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::task::Poll;
use std::thread;

use fetchlet_codec::{Filename, RequestDecoder, ResponseHeader};
use fetchlet_segment::{Endpoint, Gateway, GatewayConfig, LinkConditions, WallClock, segment};
use fetchlet_smoltcp::{Client, Config, Crc32Sink, Sink, Storage};
use smoltcp::iface::SocketStorage;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, Ipv4Cidr};

/// The gateway's address, which answers for the server, in a network for documentation (RFC 5737).
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// The port on which the gateway listens.
const PORT: u16 = 5000;

/// The client's address in the same network.
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A sink that only counts.
#[derive(Default)]
struct Count(u32);

impl Sink for Count {
    type Error = Infallible;

    fn begin(&mut self, len: u32) -> Result<(), Infallible> {
        println!("the server announces {len} bytes");
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), Infallible> {
        self.0 += data.len() as u32;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        println!("the file is whole after {} bytes", self.0);
        Ok(())
    }
}

/// Answers one request with the file `content`, whatever its name is.
fn serve_once(listener: &TcpListener, content: &[u8]) -> io::Result<()> {
    let (mut connection, _) = listener.accept()?;
    let (mut decoder, mut buffer) = (RequestDecoder::<1024>::new(), [0; 1029]);
    loop {
        let len = connection.read(&mut buffer)?;
        let mut input = buffer.get(..len).unwrap_or_default();
        if decoder.decode(&mut input).map_err(io::Error::other)?.is_some() {
            break;
        }
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    connection.write_all(&ResponseHeader::file(content.len() as u32).encode())?;
    connection.write_all(content)
}

/// Connects two ends by a cable: the client's device, and a gateway to the server.
fn network(server: SocketAddr, now: Instant) -> (Endpoint, Gateway<Endpoint>) {
    let (device, far_end) = segment(1500, LinkConditions::default(), LinkConditions::default());
    let config = GatewayConfig {
        mac_address: EthernetAddress([0x02, 0, 0, 0, 0, 1]),
        address: Ipv4Cidr::new(SERVER, 24),
        port: PORT,
        server,
        random_seed: 1,
        buffer: 16 * 1024,
        timeout: Duration::from_secs(10),
    };
    (device, Gateway::new(far_end, &config, now))
}

/// The client's configuration, with a different seed at each start.
fn config(now: Instant) -> Config {
    Config {
        mac_address: EthernetAddress([0x02, 0, 0, 0, 0, 2]),
        address: Ipv4Cidr::new(CLIENT, 24),
        gateway: None,
        random_seed: now.total_micros() as u64,
        timeout: Duration::from_secs(10),
        ack_delay: None,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let server = listener.local_addr()?;
    let content = b"123456789".repeat(10_000);
    let serving = thread::spawn(move || serve_once(&listener, &content));

    let clock = WallClock::start();
    let (device, mut gateway) = network(server, clock.now());
    let monitor = device.monitor();

    // The client, as firmware makes it.
    let (mut receive, mut transmit) = ([0; 4096], [0; 128]);
    let mut socket = [SocketStorage::EMPTY];
    let storage = Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
    let mut client: Client<'_, _, 64> =
        Client::new(device, &config(clock.now()), storage, clock.now())?;
    let mut sink = Crc32Sink::new(Count::default());
    client.fetch(Filename::new("board/v2.bin")?, SERVER, PORT)?;

    let mut fetched = None;
    let len = loop {
        let now = clock.now();
        if let Poll::Ready(result) = client.poll(now, &mut sink) {
            fetched = Some(result?);
        }
        gateway.poll(now);
        // The server, too, learns of the end of the connection.
        if let (Some(len), true) = (fetched, client.is_closed()) {
            break len;
        }
        let arrival = monitor.next_arrival().map(|_| Duration::ZERO);
        let delays = [arrival, client.poll_delay(now), gateway.poll_delay(now)];
        gateway.wait(delays.into_iter().flatten().min(), None)?;
    };
    serving.join().map_err(|_| "the server has panicked")??;
    println!("fetched {len} bytes, CRC-32 {:08x}", sink.crc32());
    Ok(())
}
