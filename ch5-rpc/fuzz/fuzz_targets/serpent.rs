//! Serpent: any text is a value or is refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::serpent(bytes));
