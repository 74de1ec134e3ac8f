//! A FETCH server (R18 to R36) that answers what the test wants, true or not.
//!
//! [`FetchPeer`] passes each request to a script and sends the bytes that the script returns.
//! [`RawAnswer::honest`] is the answer that the rules ask for; every field of it can be changed
//! before it is encoded. [`Lie`] has one such change for each clause of R22 and R26.
//!
//! Written by hand, not with the codec: a mistake of the codec must show.
//!
//! ```no_run
//! use fetchlet_test_kit::fetch::{RawAnswer, FetchPeer, Reply, FileVersion};
//!
//! // Half of the file, then the connection ends; from the second request on, all of it.
//! let version = FileVersion::hashed(b"hello, world");
//! let peer = FetchPeer::start(move |asked| {
//!     let request = asked.fetch.as_ref().expect("type 3");
//!     let bytes = RawAnswer::honest(request, &version).encode();
//!     if asked.number == 0 { Reply::cut(bytes, 6) } else { Reply::open(bytes) }
//! });
//! // … a client asks 127.0.0.1:{peer.port()} …
//! assert_eq!(peer.asked().len(), 2);
//! ```

mod lies;
mod messages;
mod peer;

pub use lies::{Caught, Lie};
pub use messages::{
    CONTENT, DIGEST, FileVersion, GOLDEN, GoldenExchange, IF_OTHER, IF_THIS, RawAnswer, RawFetch,
    TIME,
};
pub use peer::{After, FetchPeer, ReceivedRequest, Reply};
