//! Answers of an HTTP server, in any pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch4_shared_state_fuzz::http_answers(bytes));
