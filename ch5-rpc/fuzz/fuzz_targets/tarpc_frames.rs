//! The frames of the RPC board, in any pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::tarpc_frames(bytes));
