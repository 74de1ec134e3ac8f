//! How much of a response may wait in the kernel: little for a slow reader, more for a fast one.
//!
//! Without a bound each slow reader's send buffer grows to 4 MiB, and a thousand of them fill all
//! TCP memory of a system (553,000 of 575,802 pages). With it, the thousand hold a thirteenth of
//! that.
//!
//! The bound has a price: a smaller buffer wakes the server more often. A response of 1 MiB costs
//! 284 µs of CPU, and 160 µs without the bound. One fast reader of 1 GiB would get 0.7 times the
//! rate, so a reader that takes 4 MiB within 40 ms gets more room.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use socket2::SockRef;

use super::socket::Socket;

/// How many bytes of a slow reader's response may wait in the kernel. Of 128, 256 and 512 KiB the
/// one with which a thousand slow readers hold the least TCP memory.
const NOTSENT_LOWAT_SLOW: u32 = 128 * 1024;

/// How many bytes of a fast reader's response may wait in the kernel: as many as Linux allows a
/// send buffer by default (`tcp_wmem`).
const NOTSENT_LOWAT_FAST: u32 = 4 * 1024 * 1024;

/// How many bytes a slow reader is sent before other tasks have their turn: 50 µs of work.
const CHUNK_LEN_SLOW: usize = 256 * 1024;

/// How many bytes a fast reader is sent before other tasks have their turn: 200 µs of work.
const CHUNK_LEN_FAST: usize = 1024 * 1024;

/// A reader's rate is taken anew after each so many bytes: as many as the buffer of a fast reader
/// holds.
const SAMPLE_LEN: u32 = 4 * 1024 * 1024;

/// A reader is fast, until the next sample, if it took a sample within this time: at least 100
/// MiB/s, which is about what a link of 1 Gbit/s carries.
const MAX_SAMPLE_TIME: Duration = Duration::from_millis(40);

/// Sets the options that all connections of `listener` inherit, which saves each of them the calls.
/// The options make long responses cheaper; without them responses still arrive.
pub(in crate::server) fn prepare_listener(listener: &impl AsFd) {
    sockopt::set_tcp_nodelay(listener, true).ok();
    set_notsent_lowat(listener, NOTSENT_LOWAT_SLOW);
}

fn set_notsent_lowat(socket: &impl AsFd, bytes: u32) {
    SockRef::from(socket).set_tcp_notsent_lowat(bytes).ok();
}

/// How fast one reader is.
#[derive(Debug)]
pub(super) struct ReaderRate {
    sample_start: Instant,
    /// How many bytes had been sent at the start of the sample.
    sent_before: u32,
    is_fast: bool,
}

impl ReaderRate {
    pub(super) const fn new(sent: u32, now: Instant) -> Self {
        Self { sample_start: now, sent_before: sent, is_fast: false }
    }

    /// How many bytes the reader may be sent before other tasks have their turn.
    pub(super) const fn chunk_len(&self) -> usize {
        if self.is_fast { CHUNK_LEN_FAST } else { CHUNK_LEN_SLOW }
    }

    /// Records that `sent` bytes have been sent by the time `now`, and gives `socket` the room that
    /// the reader's rate deserves.
    pub(super) fn record(&mut self, sent: u32, now: Instant, socket: &Socket) {
        let is_late = now.duration_since(self.sample_start) > MAX_SAMPLE_TIME;
        // A reader that is fast no more loses the room at once, not only after a whole sample.
        if sent.saturating_sub(self.sent_before) < SAMPLE_LEN && !(self.is_fast && is_late) {
            return;
        }
        let is_fast = !is_late;
        if is_fast != self.is_fast {
            let bytes = if is_fast { NOTSENT_LOWAT_FAST } else { NOTSENT_LOWAT_SLOW };
            socket
                .try_now(|fd| {
                    set_notsent_lowat(&fd, bytes);
                    Ok(())
                })
                .ok();
        }
        *self = Self { sample_start: now, sent_before: sent, is_fast };
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::super::transport::Transport;
    use super::*;

    fn connected() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        prepare_listener(&listener);
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Socket::Unregistered(listener.accept().unwrap().0), client)
    }

    fn notsent_lowat(socket: &Socket) -> u32 {
        socket.try_now(|fd| Ok(SockRef::from(&fd).tcp_notsent_lowat().unwrap())).unwrap()
    }

    #[test]
    fn connections_inherit_what_their_listener_has() {
        let (socket, _client) = connected();
        assert_eq!(notsent_lowat(&socket), NOTSENT_LOWAT_SLOW);
        assert!(socket.try_now(|fd| sockopt::tcp_nodelay(fd)).unwrap());
    }

    #[test]
    fn a_fast_reader_has_more_room_for_as_long_as_it_is_fast() {
        let (socket, _client) = connected();
        let mut now = Instant::now();
        let mut rate = ReaderRate::new(0, now);
        let mut sent = 0;
        for (millis, expected) in [
            (40, NOTSENT_LOWAT_FAST),
            (41, NOTSENT_LOWAT_SLOW),
            (1, NOTSENT_LOWAT_FAST),
            (1, NOTSENT_LOWAT_FAST),
            (5000, NOTSENT_LOWAT_SLOW),
        ] {
            now += Duration::from_millis(millis);
            rate.record(sent + SAMPLE_LEN - 1, now, &socket);
            sent += SAMPLE_LEN;
            rate.record(sent, now, &socket);
            assert_eq!(notsent_lowat(&socket), expected, "after {millis} ms");
            assert_eq!(rate.chunk_len() == CHUNK_LEN_FAST, expected == NOTSENT_LOWAT_FAST);
        }
    }

    #[test]
    fn a_reader_that_was_fast_once_and_trickles_then_has_no_more_room_than_others() {
        let (mut socket, _client) = connected();
        let start = Instant::now();
        let mut rate = ReaderRate::new(0, start);
        // As a copy does.
        Transport::record(&mut socket, &mut rate, SAMPLE_LEN, start + MAX_SAMPLE_TIME);
        assert_eq!(notsent_lowat(&socket), NOTSENT_LOWAT_FAST);
        rate.record(SAMPLE_LEN + 1, start + 3 * MAX_SAMPLE_TIME, &socket);
        assert_eq!(notsent_lowat(&socket), NOTSENT_LOWAT_SLOW);
    }
}
