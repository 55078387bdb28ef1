//! Requests for files, over HTTP.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch4_shared_state_fuzz::files_requests(bytes));
