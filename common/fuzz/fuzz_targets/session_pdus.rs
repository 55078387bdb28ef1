//! PDUs of the original block protocol.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::messages::session_pdus(bytes));
