//! Datagrams of the call semantics, to a server and to a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::semantics_datagrams(bytes));
