//! What the fuzzers call: for each parser a function that takes any bytes and panics when a promise is broken.
//!
//! ```text
//! fuzz_targets/NAME.rs ── libFuzzer, coverage-guided, for as long as one likes ──┐
//!                                                                                ├──▶ NAME(bytes): no panic
//! tests/it/fuzz_corpus  ── corpus/NAME/*, and seeded mutations of them, 2 s ──────┘
//! ```
//!
//! That nothing panics is the least. Each function also says what must hold: what is read is written back as it was, every
//! split of a stream gives the same, memory stays within its limits. Without such a promise a fuzzer finds crashes only.

mod decoding;
pub mod link;
pub mod messages;
pub mod streams;
