//! Holds the Rust examples of the Markdown pages as doc-tests; the tests themselves are in
//! `tests/tests`.

/// The Rust in README.md compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The Rust in the embedded example's page compiles, with embassy-net as well.
#[cfg(doctest)]
#[doc = include_str!("../../embedded-example/README.md")]
struct EmbeddedExample;
