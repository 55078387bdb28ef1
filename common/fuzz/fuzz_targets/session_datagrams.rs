//! Datagrams of the sessions' extension.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::session_datagrams::session_datagrams(bytes));
