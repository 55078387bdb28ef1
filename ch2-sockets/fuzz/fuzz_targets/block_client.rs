//! The client of the original block protocol, the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch2_sockets_fuzz::block_client(bytes));
