//! Any bytes are the request that the rules say, whole or byte by byte, and encode to what they were.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fetchlet_invariants::request::<1024>(bytes);
    // A server that keeps only short names.
    fetchlet_invariants::request::<8>(bytes);
});
