//! Decodes any bytes as a request: the result follows the rules and encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fetchlet_invariants::request::<1024>(bytes);
    // A decoder of short names.
    fetchlet_invariants::request::<8>(bytes);
});
