//! Calls and a server, under a script of what the network and the server do to them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::semantics(bytes));
