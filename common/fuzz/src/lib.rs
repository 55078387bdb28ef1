//! What the fuzzers call: for each parser a function that takes any bytes and panics when a promise is broken.
//!
//! ```text
//! fuzz_targets/NAME.rs ── libFuzzer, coverage-guided, for as long as one likes ──┐
//!                                                                                ├──▶ NAME(bytes): no panic
//! tests/fuzz_corpus.rs ── corpus/NAME/*, and seeded mutations of them, 2 s ──────┘
//! ```
//!
//! That nothing panics is the least. Each function also says what must hold: what is read is written back as it was, every
//! split of a stream gives the same, memory stays within its limits. Without such a promise a fuzzer finds crashes only.
//!
//! The sessions are machines, and one datagram says little about a machine: there the bytes are a [script](tape) of
//! datagrams and pauses.

pub mod link;
pub mod messages;
pub mod session_clients;
pub mod session_datagrams;
pub mod session_server;
pub mod streams;
pub mod tape;
pub mod text_services;
