//! Messages of the notification board, from either side.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch4_shared_state_fuzz::notify(bytes));
