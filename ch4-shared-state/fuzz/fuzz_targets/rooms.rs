//! The two rooms of the whiteboard, under a script of what is said in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch4_shared_state_fuzz::rooms(bytes));
