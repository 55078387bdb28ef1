//! Frames of the notification board and the game, in any pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::streams::textframes(bytes));
