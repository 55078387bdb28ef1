//! The client of the extension, under a script of datagrams and pauses.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::session_clients::session_client(bytes));
