//! Heads of HTTP requests to the whiteboard.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch4_shared_state_fuzz::whiteboard_heads(bytes));
