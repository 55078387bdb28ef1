//! Responses of the message board, as a client reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::messages::mboard_responses(bytes));
