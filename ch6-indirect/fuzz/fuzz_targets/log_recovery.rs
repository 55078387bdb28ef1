//! A log, and what a disk can do to it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch6_indirect_fuzz::log_recovery(bytes));
