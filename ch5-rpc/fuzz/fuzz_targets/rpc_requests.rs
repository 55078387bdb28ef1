//! Requests of HTTP with calls in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::rpc_requests(bytes));
