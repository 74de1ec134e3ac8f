//! Decodes any bytes as a response header: the result follows the rules and encodes to the same
//! bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fetchlet_invariants::response(bytes));
