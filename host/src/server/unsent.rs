//! How much of a response may wait in the kernel: little for a slow reader, more for a fast one.
//!
//! Left alone, each slow reader grows a send buffer of up to 4 MiB: a thousand of them hold all the TCP
//! memory of a system. Bounded, they hold a thirteenth of that. One fast reader of 1 GiB would get it at
//! 0.7 times the rate; so whoever takes 4 MiB in 40 ms is given room.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use socket2::SockRef;

use super::socket::Socket;

const SLOW: u32 = 128 * 1024;
const FAST: u32 = 4 * 1024 * 1024;

/// What a reader may be sent before it is another's turn: 50 to 200 µs.
const TURN: usize = 256 * 1024;
const FAST_TURN: usize = 1024 * 1024;

/// Whoever takes a stretch in no more than this time is fast, until the next stretch.
const STRETCH: u32 = 4 * 1024 * 1024;
const STRETCH_TIME: Duration = Duration::from_millis(40);

/// Sets up what all connections of `listener` inherit, which saves each of them the calls. It only makes
/// long responses better: without it they still work.
pub(super) fn prepare(listener: &impl AsFd) {
    sockopt::set_tcp_nodelay(listener, true).ok();
    bound(listener, SLOW);
}

fn bound(socket: &impl AsFd, bytes: u32) {
    SockRef::from(socket).set_tcp_notsent_lowat(bytes).ok();
}

/// How fast one reader is.
#[derive(Debug)]
pub(super) struct Pace {
    since: Instant,
    /// How many bytes it had then.
    from: u32,
    fast: bool,
}

impl Pace {
    pub(super) const fn new(from: u32, since: Instant) -> Self {
        Self { since, from, fast: false }
    }

    /// What it may be sent before it is another's turn.
    pub(super) const fn turn(&self) -> usize {
        if self.fast { FAST_TURN } else { TURN }
    }

    /// It has `bytes` at the time `now`.
    pub(super) fn note(&mut self, bytes: u32, now: Instant, socket: &Socket) {
        let late = now.duration_since(self.since) > STRETCH_TIME;
        // Who has stopped being fast loses the room at once, not only after another stretch.
        if bytes.saturating_sub(self.from) < STRETCH && !(self.fast && late) {
            return;
        }
        let fast = !late;
        if fast != self.fast {
            let most = if fast { FAST } else { SLOW };
            socket
                .at_once(|fd| {
                    bound(&fd, most);
                    Ok(())
                })
                .ok();
        }
        *self = Self { since: now, from: bytes, fast };
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn connected() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        prepare(&listener);
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Socket::Unwatched(listener.accept().unwrap().0), client)
    }

    fn unsent(socket: &Socket) -> u32 {
        socket.at_once(|fd| Ok(SockRef::from(&fd).tcp_notsent_lowat().unwrap())).unwrap()
    }

    #[test]
    fn connections_inherit_what_their_listener_has() {
        let (socket, _client) = connected();
        assert_eq!(unsent(&socket), SLOW);
        assert!(socket.at_once(|fd| sockopt::tcp_nodelay(fd)).unwrap());
    }

    #[test]
    fn who_is_fast_has_more_room_for_as_long_as_that_lasts() {
        let (socket, _client) = connected();
        let mut now = Instant::now();
        let mut pace = Pace::new(0, now);
        let mut bytes = 0;
        for (millis, expected) in [(40, FAST), (41, SLOW), (1, FAST), (1, FAST), (5000, SLOW)] {
            now += Duration::from_millis(millis);
            pace.note(bytes + STRETCH - 1, now, &socket);
            bytes += STRETCH;
            pace.note(bytes, now, &socket);
            assert_eq!(unsent(&socket), expected, "after {millis} ms");
            assert_eq!(pace.turn() == FAST_TURN, expected == FAST);
        }
    }

    #[test]
    fn who_was_fast_once_and_trickles_then_has_no_more_room_than_others() {
        let (socket, _client) = connected();
        let start = Instant::now();
        let mut pace = Pace::new(0, start);
        pace.note(STRETCH, start + STRETCH_TIME, &socket);
        assert_eq!(unsent(&socket), FAST);
        pace.note(STRETCH + 1, start + 3 * STRETCH_TIME, &socket);
        assert_eq!(unsent(&socket), SLOW);
    }
}
