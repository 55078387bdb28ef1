//! Requests of the message board, over each transport.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::messages::mboard_requests(bytes));
