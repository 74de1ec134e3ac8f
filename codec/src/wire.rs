//! The numbers of the wire: magic, message types and lengths (R2, R3).

/// The first two bytes of every message (R2, R3).
pub const MAGIC: [u8; 2] = [0x49, 0x7E];

/// The longest filename the protocol carries, in bytes (R2).
pub const MAX_FILENAME: usize = 1024;

/// The length of a request without its filename, in bytes (R2).
pub const REQUEST_HEADER: usize = 5;

/// The length of a response without its data, in bytes (R3).
pub const RESPONSE_HEADER: usize = 8;

/// The message type of a request (R2).
pub(crate) const REQUEST_TYPE: u8 = 1;

/// The message type of a response (R3).
pub(crate) const RESPONSE_TYPE: u8 = 2;
