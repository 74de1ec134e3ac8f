//! The numbers of the wire: magic, message types and lengths (R2, R3, R18, R19).

/// The first two bytes of every message (R2, R3, R18, R19).
pub const MAGIC: [u8; 2] = [0x49, 0x7E];

/// The longest filename the protocol carries, in bytes (R2).
pub const MAX_FILENAME: usize = 1024;

/// The length of a request without its filename, in bytes (R2).
pub const REQUEST_HEADER: usize = 5;

/// The length of a response without its data, in bytes (R3).
pub const RESPONSE_HEADER: usize = 8;

/// The length of a FETCH request without its filename, in bytes (R18).
pub const FETCH_REQUEST_HEADER: usize = 34;

/// The length of a FETCH response up to what is known of the file, in bytes (R19).
pub const FETCH_RESPONSE_HEADER: usize = 8;

/// The largest length of a file, in bytes: 2^63 - 1 (R19).
pub const MAX_TOTAL: u64 = u64::MAX >> 1;

/// The length of all fields of a FETCH response before its data, in bytes: 8 bytes, 34 of what is
/// known of the file, 32 of a digest, 8 of a modification time (R19).
pub(crate) const FETCH_RESPONSE_FIELDS: usize = 82;

/// The message type of a request (R2).
pub(crate) const REQUEST_TYPE: u8 = 1;

/// The message type of a response (R3).
pub(crate) const RESPONSE_TYPE: u8 = 2;

/// The message type of a FETCH request (R18).
pub(crate) const FETCH_REQUEST_TYPE: u8 = 3;

/// The message type of a FETCH response (R19).
pub(crate) const FETCH_RESPONSE_TYPE: u8 = 4;
