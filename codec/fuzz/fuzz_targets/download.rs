//! Downloads any bytes, cut anywhere: the end does not depend on the cuts, and the data is what the
//! header announced.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (lengths, bytes) = fetchlet_invariants::lengths(input);
    fetchlet_invariants::download_in_pieces(bytes, &lengths);
});
