//! The notification board as a service, under a script of what its clients do.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch4_shared_state_fuzz::notification_board(bytes));
