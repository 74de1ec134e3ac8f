//! The wire format and the rules `R1` to `R36`: the text of `PROTOCOL.md`.
#![doc = ""]
#![doc = include_str!("../PROTOCOL.md")]
