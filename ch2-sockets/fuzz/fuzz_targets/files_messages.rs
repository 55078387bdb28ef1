//! Requests, answers and lists of the file dump.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch2_sockets_fuzz::files_messages(bytes));
