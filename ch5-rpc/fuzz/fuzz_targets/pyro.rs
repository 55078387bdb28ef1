//! Pyro's messages, and the chat that is called by them, in any pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::pyro(bytes));
