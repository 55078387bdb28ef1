//! Our own protocol of remote objects, and the chat that is called by it, in any pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::objects(bytes));
