//! Any bytes are the response header that the rules say, and encode to what they were.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fetchlet_invariants::response(bytes));
