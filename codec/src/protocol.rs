//! The wire format and the rules `R1` to `R17`: the text of `PROTOCOL.md`.
#![doc = ""]
#![doc = include_str!("../PROTOCOL.md")]
