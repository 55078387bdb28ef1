//! PDUs of the original block protocol.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch2_sockets_fuzz::session_pdus(bytes));
