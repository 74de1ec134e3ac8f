//! Peers that share no code with ours: scripts for Python's standard library, written from
//! PROTOCOL.md alone. Both as client and as server, against our library, our program, and each
//! other.
//!
//! These tests need `python3` and fail without it.

mod bugs;
mod fetch_client;
mod fetch_server;
mod first_pair;
mod lies;
mod python;
mod python_fetch;
