//! One exchange on the wire, frame by frame.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use fetchlet_segment::Capture;
use fetchlet_test_kit::{HELLO, LIMIT, within};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, Ipv4Packet, TcpPacket};

use crate::fixture::{REQUEST, SERVER, Scenario};

/// An output for the capture: a file in memory.
#[derive(Clone, Default)]
struct CaptureBuffer(Rc<RefCell<Vec<u8>>>);

impl Write for CaptureBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the frames of a pcap file, after checks of its headers.
fn frames(mut file: &[u8]) -> Vec<&[u8]> {
    let word = |bytes: &[u8], at: usize| {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    assert_eq!((word(file, 0), word(file, 20)), (0xA1B2_C3D4, 1), "a pcap of Ethernet frames");
    file = &file[24..];
    let mut frames = Vec::new();
    while !file.is_empty() {
        let (len, original) = (word(file, 8), word(file, 12));
        assert_eq!(len, original, "a frame was cut");
        frames.push(&file[16..16 + len]);
        file = &file[16 + len..];
    }
    frames
}

/// Returns the sender and TCP's flags as text, and the payload.
fn describe(frame: &[u8]) -> (String, Vec<u8>) {
    let ethernet = EthernetFrame::new_checked(frame).unwrap();
    if ethernet.ethertype() == EthernetProtocol::Arp {
        return ("ARP".into(), Vec::new());
    }
    let ip = Ipv4Packet::new_checked(ethernet.payload()).unwrap();
    let tcp = TcpPacket::new_checked(ip.payload()).unwrap();
    assert!(ip.verify_checksum());
    assert!(tcp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into()));
    let mut line = if ip.src_addr() == SERVER { "server" } else { "device" }.to_owned();
    for (set, name) in
        [(tcp.syn(), " SYN"), (tcp.fin(), " FIN"), (tcp.rst(), " RST"), (tcp.ack(), " ACK")]
    {
        line += if set { name } else { "" };
    }
    (line, tcp.payload().to_vec())
}

/// If this fails, do not change the bytes: PROTOCOL.md defines them.
#[test]
fn the_golden_exchange_is_on_the_wire() {
    within(LIMIT, || {
        let file = CaptureBuffer::default();
        let outcome =
            Scenario { capture: Capture::new(file.clone()), ..Scenario::new(HELLO) }.run();
        assert_eq!(outcome.whole(), b"hello");
        let bytes = file.0.borrow();
        let seen: Vec<_> = frames(&bytes).into_iter().map(describe).collect();
        let none: &[u8] = &[];
        let expected = [
            ("ARP", none),
            ("ARP", none),
            ("device SYN", none),
            ("server SYN ACK", none),
            ("device ACK", none),
            ("device ACK", REQUEST),
            ("server ACK", none),
            ("server FIN ACK", HELLO),
            ("device ACK", none),
            ("device FIN ACK", none),
            ("server ACK", none),
        ];
        let expected: Vec<_> =
            expected.map(|(line, payload)| (line.to_owned(), payload.to_vec())).into();
        assert_eq!(seen, expected);
    });
}
