//! Frames of a length and bincode, in any pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::streams::frames(bytes));
