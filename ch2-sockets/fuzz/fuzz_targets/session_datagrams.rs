//! Datagrams of the sessions' extension.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch2_sockets_fuzz::session_datagrams(bytes));
