//! The ways a stream is cut into requests, in any pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::streams::framings(bytes));
