//! The client of the original block protocol, the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::session_clients::block_client(bytes));
