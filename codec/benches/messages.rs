//! Measures the time per operation and prints a table: `cargo bench -p fetchlet-codec --bench
//! messages`.

mod operations;

use divan::Bencher;
use operations::{OPERATIONS, Operation};

fn main() {
    divan::main();
}

/// An operation that divan shows by its name.
struct Named(Operation);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.0)
    }
}

#[divan::bench(args = OPERATIONS.map(Named), sample_size = 10_000)]
fn messages(bencher: Bencher<'_, '_>, operation: &Named) {
    bencher.bench(operation.0.1);
}
