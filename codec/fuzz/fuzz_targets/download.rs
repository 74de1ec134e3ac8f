//! A download ends the same however its bytes are cut, and gives out what was announced.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (lengths, bytes) = fetchlet_invariants::lengths(input);
    fetchlet_invariants::download_in_pieces(bytes, &lengths);
});
