//! The server of the sessions, under a script of datagrams and pauses.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch2_sockets_fuzz::session_server(bytes));
