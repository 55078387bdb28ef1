//! The canvas as a CRDT: the same writes in any order, and again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch4_shared_state_fuzz::crdt(bytes));
