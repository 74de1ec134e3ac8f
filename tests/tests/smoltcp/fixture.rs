//! A client, a segment and a scripted server, on a virtual clock.

use std::task::Poll;

use fetchlet_codec::Filename;
use fetchlet_segment::{
    Capture, Endpoint, FrameCounters, LinkConditions, VirtualClock, Visit, segment,
};
use fetchlet_smoltcp::{Client, Config, Sink, Storage, TransferError};
use smoltcp::iface::{self, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::{PcapMode, PcapWriter};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address, Ipv4Cidr};

/// The filename that the client requests.
pub(crate) const NAME: &str = "h.txt";
/// The request for [`NAME`] (R2).
pub(crate) const REQUEST: &[u8] = b"\x49\x7E\x01\x00\x05h.txt";
/// The server's address.
pub(crate) const SERVER: Ipv4Address = Ipv4Address::new(192, 168, 69, 1);
/// The client's address.
const DEVICE: Ipv4Address = Ipv4Address::new(192, 168, 69, 2);
/// The server's port.
const PORT: u16 = 5000;

/// How the server treats its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerBehavior {
    /// The host does not exist.
    Absent,
    /// The host refuses the connection.
    Refuse,
    /// The server sends its whole answer and closes.
    Fin,
    /// The server sends its whole answer, waits until all of it has arrived, and resets.
    Reset,
    /// The server sends its whole answer and then stays silent.
    Silence,
}

/// The call in which the sink fails; for a write, how many bytes the sink has by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailAt {
    Begin,
    Write(usize),
    Finish,
}

/// A sink that keeps all bytes, and fails at the chosen call.
#[derive(Debug, Default)]
pub(crate) struct CheckedSink {
    pub(crate) announced: Option<u32>,
    pub(crate) data: Vec<u8>,
    pub(crate) finished: bool,
    writes: u32,
    fail_at: Option<FailAt>,
}

impl Sink for CheckedSink {
    type Error = FailAt;

    fn begin(&mut self, len: u32) -> Result<(), FailAt> {
        assert_eq!(self.announced.replace(len), None, "announced twice");
        if self.fail_at == Some(FailAt::Begin) { Err(FailAt::Begin) } else { Ok(()) }
    }

    fn write(&mut self, data: &[u8]) -> Result<(), FailAt> {
        assert!(!data.is_empty() && self.announced.is_some() && !self.finished);
        self.data.extend_from_slice(data);
        self.writes += 1;
        match self.fail_at {
            Some(fail_at @ FailAt::Write(at)) if self.data.len() >= at => Err(fail_at),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), FailAt> {
        assert!(!self.finished, "finished twice");
        self.finished = true;
        if self.fail_at == Some(FailAt::Finish) { Err(FailAt::Finish) } else { Ok(()) }
    }
}

/// The settings of one exchange. The default is `hello` over a cable without losses; a test changes
/// what it needs.
pub(crate) struct Scenario {
    pub(crate) answer: Vec<u8>,
    pub(crate) behavior: ServerBehavior,
    pub(crate) conditions: LinkConditions,
    pub(crate) window: usize,
    pub(crate) timeout: Duration,
    /// For how long the device does nothing else at each piece of data.
    pub(crate) blocks: Duration,
    pub(crate) fail_at: Option<FailAt>,
    pub(crate) capture: Capture,
}

/// The results of one exchange.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) result: Result<u32, TransferError<FailAt>>,
    pub(crate) sink: CheckedSink,
    /// The bytes that the server received.
    pub(crate) asked: Vec<u8>,
    /// The time of the result, since the start of the exchange.
    pub(crate) at: Instant,
    /// The counters of the frames from the device and to the device.
    pub(crate) counters: (FrameCounters, FrameCounters),
}

impl Observed {
    /// Returns the file, which must be whole.
    pub(crate) fn whole(self) -> Vec<u8> {
        assert_eq!(self.result, Ok(u32::try_from(self.sink.data.len()).unwrap()), "{}", self.at);
        assert!(self.sink.finished && self.sink.announced == self.result.ok());
        assert_eq!(self.asked, REQUEST);
        self.sink.data
    }
}

impl Scenario {
    pub(crate) fn new(answer: &[u8]) -> Self {
        Self {
            answer: answer.to_vec(),
            behavior: ServerBehavior::Fin,
            conditions: LinkConditions::default(),
            window: 16_384,
            timeout: Duration::from_secs(10),
            blocks: Duration::ZERO,
            fail_at: None,
            capture: Capture::none(),
        }
    }

    /// Runs one exchange until its connection has ended on both sides.
    pub(crate) fn run(self) -> Observed {
        let (near, far) = segment(1500, self.conditions, self.conditions);
        let monitor = near.monitor();
        let device = PcapWriter::new(near, self.capture.clone(), PcapMode::Both);
        let (mut receive, mut transmit) = (vec![0; self.window], [0; 64]);
        let mut socket = [SocketStorage::EMPTY];
        let storage =
            Storage { receive: &mut receive, transmit: &mut transmit, socket: &mut socket };
        let config = config(self.timeout);
        let mut client: Client<'_, _, 64> =
            Client::new(device, &config, storage, Instant::ZERO).unwrap();
        client.fetch(Filename::new(NAME).unwrap(), SERVER, PORT).unwrap();
        let mut sink = CheckedSink { fail_at: self.fail_at, ..CheckedSink::default() };
        let mut peer = Peer::new(far, self.answer, self.behavior);
        let mut result = None;
        let mut clock = VirtualClock::default();
        let limit = Duration::from_secs(3600);
        let driven = clock.drive(&monitor, limit, |now| {
            let now = now + self.blocks * sink.writes;
            if let Poll::Ready(ready) = client.poll(now, &mut sink) {
                assert!(result.replace((ready, now)).is_none(), "ready twice");
            }
            peer.poll(now);
            match result {
                Some(result) if client.is_closed() && peer.is_closed() => Visit::Done(result),
                _ => Visit::idle([client.poll_delay(now), peer.poll_delay(now)]),
            }
        });
        let (result, at) = driven.unwrap_or_else(|halted| panic!("{halted}: {result:?}"));
        let counters = (monitor.sent(), monitor.received());
        Observed { result, sink, asked: peer.asked, at, counters }
    }
}

pub(crate) fn config(timeout: Duration) -> Config {
    Config {
        mac_address: EthernetAddress([2, 0, 0, 0, 0, 2]),
        address: Ipv4Cidr::new(DEVICE, 24),
        gateway: None,
        random_seed: 7,
        timeout,
        ack_delay: None,
    }
}

/// A server that reads one request and sends the answer that it was given.
struct Peer {
    device: Endpoint,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    behavior: ServerBehavior,
    asked: Vec<u8>,
    answer: Vec<u8>,
    said: usize,
}

impl Peer {
    fn new(mut device: Endpoint, answer: Vec<u8>, behavior: ServerBehavior) -> Self {
        let mac_address = EthernetAddress([2, 0, 0, 0, 0, 1]);
        let mut config = iface::Config::new(mac_address.into());
        config.random_seed = 11;
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|all| all.push(IpCidr::new(SERVER.into(), 24)).unwrap());
        let buffer = || SocketBuffer::new(vec![0; 65_536]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        if behavior != ServerBehavior::Refuse {
            socket.listen(PORT).unwrap();
        }
        let mut sockets = SocketSet::new(vec![]);
        let handle = sockets.add(socket);
        let asked = Vec::new();
        Self { device, interface, sockets, handle, behavior, asked, answer, said: 0 }
    }

    fn poll(&mut self, now: Instant) {
        if self.behavior == ServerBehavior::Absent {
            return;
        }
        self.interface.poll(now, &mut self.device, &mut self.sockets);
        let socket = self.sockets.get_mut::<Socket<'_>>(self.handle);
        while socket.can_recv() {
            socket.recv(|data| (data.len(), self.asked.extend_from_slice(data))).unwrap();
        }
        if self.asked.len() < REQUEST.len() || !socket.may_send() {
            return;
        }
        while self.said < self.answer.len() && socket.can_send() {
            self.said += socket.send_slice(&self.answer[self.said..]).unwrap();
        }
        if self.said == self.answer.len() {
            match self.behavior {
                ServerBehavior::Fin => socket.close(),
                ServerBehavior::Reset if socket.send_queue() == 0 => socket.abort(),
                _ => {}
            }
        }
        self.interface.poll(now, &mut self.device, &mut self.sockets);
    }

    fn poll_delay(&mut self, now: Instant) -> Option<Duration> {
        let present = self.behavior != ServerBehavior::Absent;
        present.then(|| self.interface.poll_delay(now, &self.sockets)).flatten()
    }

    fn is_closed(&self) -> bool {
        let state = self.sockets.get::<Socket<'_>>(self.handle).state();
        matches!(state, State::Closed | State::TimeWait | State::Listen)
    }
}
