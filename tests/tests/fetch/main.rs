//! FETCH, the second pair of messages (R18 to R36), in bytes: what is sent, what is refused and at
//! which byte, and what is kept over a power failure.

mod checkpoint;
mod contradictions;
mod golden;
mod raw;
mod requests;
mod responses;
mod serve;
