//! What stands behind the options of the link.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::link::link_arguments(bytes));
