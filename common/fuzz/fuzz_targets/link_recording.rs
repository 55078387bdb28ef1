//! The recording of the link, and the pictures drawn from it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::link::link_recording(bytes));
